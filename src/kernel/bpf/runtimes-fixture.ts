// One small program in each of several languages. It asks a Service as its own runtime does, and prints what it sees:
//
//   tcp BACKEND PEER        who answered a connection to port 80, and whom the program believes to speak with
//   udp BACKEND SENDER      who answered a datagram, and whom the answer comes from
//   connected BACKEND       who answered on a connected UDP socket
//   refused yes             port 81 has no backend
//   name ADDRESS            what the runtime's resolver finds by UDP
//   long ADDRESS            the same, where the answer by UDP is cut off, so that it asks again by TCP
//
// Its arguments are the address of the Service, and a word if its resolver asks by TCP.

export interface Runtime {
  readonly file: string;
  readonly source: string;
  /** How it is compiled; `$file` and `$out` stand for paths. */
  readonly compile: readonly string[] | undefined;
  readonly run: readonly string[];
  /** musl's resolver does so since 1.2.4, which is newer than that of Debian 12. */
  readonly asksByTcp: boolean;
}

const C = `#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static char text[256];
static struct sockaddr_in place(const char *host, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &at.sin_addr);
  return at;
}
static void must(long result, const char *what) {
  if (result < 0) { perror(what); exit(1); }
}
static void received(long length) { must(length, "receive"); text[length] = 0; }
static void resolve(const char *label, const char *name) {
  struct addrinfo *found, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  int error = getaddrinfo(name, 0, &hints, &found);
  if (error) { fprintf(stderr, "%s: %s\\n", name, gai_strerror(error)); exit(1); }
  printf("%s %s\\n", label, inet_ntoa(((struct sockaddr_in *)found->ai_addr)->sin_addr));
}
int main(int argc, char **argv) {
  struct sockaddr_in to = place(argv[1], 80), empty = place(argv[1], 81), from;
  socklen_t length = sizeof from;
  int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
  must(connect(tcp, (void *)&to, sizeof to), "connect");
  must(getpeername(tcp, (void *)&from, &length), "getpeername");
  received(read(tcp, text, sizeof text - 1));
  printf("tcp %s %s:%d\\n", text, inet_ntoa(from.sin_addr), ntohs(from.sin_port));
  must(sendto(udp, "?", 1, 0, (void *)&to, sizeof to), "sendto");
  received(recvfrom(udp, text, sizeof text - 1, 0, (void *)&from, &length));
  printf("udp %s %s:%d\\n", text, inet_ntoa(from.sin_addr), ntohs(from.sin_port));
  must(connect(udp, (void *)&to, sizeof to), "connect");
  must(send(udp, "?", 1, 0), "send");
  received(recv(udp, text, sizeof text - 1, 0));
  printf("connected %s\\n", text);
  tcp = socket(AF_INET, SOCK_STREAM, 0);
  printf("refused %s\\n", connect(tcp, (void *)&empty, sizeof empty) < 0 && errno == ECONNREFUSED ? "yes" : "no");
  resolve("name", "shop.test");
  if (argc > 2) resolve("long", "long.test");
}
`;

const GO = `package main
import ("context"; "errors"; "fmt"; "io"; "net"; "os"; "syscall")
func must(err error) { if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) } }
func main() {
  web := os.Args[1] + ":80"
  tcp, err := net.Dial("tcp", web); must(err)
  text, err := io.ReadAll(tcp); must(err)
  fmt.Println("tcp", string(text), tcp.RemoteAddr())
  buffer := make([]byte, 256)
  to, err := net.ResolveUDPAddr("udp", web); must(err)
  udp, err := net.ListenPacket("udp", ":0"); must(err)
  _, err = udp.WriteTo([]byte("?"), to); must(err)
  n, from, err := udp.ReadFrom(buffer); must(err)
  fmt.Println("udp", string(buffer[:n]), from)
  connected, err := net.Dial("udp", web); must(err)
  _, err = connected.Write([]byte("?")); must(err)
  n, err = connected.Read(buffer); must(err)
  fmt.Println("connected", string(buffer[:n]))
  refused := "no"
  if _, err := net.Dial("tcp", os.Args[1]+":81"); errors.Is(err, syscall.ECONNREFUSED) { refused = "yes" }
  fmt.Println("refused", refused)
  resolver := net.Resolver{PreferGo: true}
  for _, label := range []string{"name", "long"} {
    name := map[string]string{"name": "shop.test", "long": "long.test"}[label]
    found, err := resolver.LookupIP(context.Background(), "ip4", name); must(err)
    fmt.Println(label, found[0])
  }
}
`;

const JAVA = `import java.net.*;
import java.nio.*;
import java.nio.channels.*;
public class Asks {
  static String text(ByteBuffer buffer) { return new String(buffer.array(), 0, buffer.position()); }
  static String place(SocketAddress at) {
    InetSocketAddress known = (InetSocketAddress) at;
    return known.getAddress().getHostAddress() + ":" + known.getPort();
  }
  public static void main(String[] args) throws Exception {
    InetSocketAddress web = new InetSocketAddress(InetAddress.getByName(args[0]), 80);
    ByteBuffer buffer = ByteBuffer.allocate(256);
    try (SocketChannel tcp = SocketChannel.open(web)) {
      while (tcp.read(buffer) >= 0) {}
      System.out.println("tcp " + text(buffer) + " " + place(tcp.getRemoteAddress()));
    }
    try (DatagramChannel udp = DatagramChannel.open()) {
      udp.send(ByteBuffer.wrap("?".getBytes()), web);
      buffer.clear();
      SocketAddress from = udp.receive(buffer);
      System.out.println("udp " + text(buffer) + " " + place(from));
      udp.connect(web);
      udp.write(ByteBuffer.wrap("?".getBytes()));
      buffer.clear();
      udp.read(buffer);
      System.out.println("connected " + text(buffer));
    }
    String refused = "no";
    try { SocketChannel.open(new InetSocketAddress(web.getAddress(), 81)); } catch (ConnectException error) { refused = "yes"; }
    System.out.println("refused " + refused);
    System.out.println("name " + InetAddress.getByName("shop.test").getHostAddress());
    System.out.println("long " + InetAddress.getByName("long.test").getHostAddress());
  }
}
`;

const PYTHON = `import socket, sys
web = (sys.argv[1], 80)
tcp = socket.create_connection(web)
text = b''.join(iter(lambda: tcp.recv(256), b''))
print('tcp', text.decode(), '%s:%d' % tcp.getpeername())
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.sendto(b'?', web)
text, sender = udp.recvfrom(256)
print('udp', text.decode(), '%s:%d' % sender)
udp.connect(web)
udp.send(b'?')
print('connected', udp.recv(256).decode())
try:
    socket.create_connection((sys.argv[1], 81))
    print('refused no')
except ConnectionRefusedError:
    print('refused yes')
print('name', socket.gethostbyname('shop.test'))
print('long', socket.gethostbyname('long.test'))
`;

/** By the program that compiles or runs it. */
export const runtimes: Readonly<Record<string, Runtime>> = {
  gcc: { file: 'asks.c', source: C, compile: ['gcc', '-o', '$out', '$file'], run: ['$out'], asksByTcp: true },
  'musl-gcc': {
    file: 'asks.c',
    source: C,
    compile: ['musl-gcc', '-static', '-o', '$out', '$file'],
    run: ['$out'],
    asksByTcp: false,
  },
  go: {
    file: 'asks.go',
    source: GO,
    compile: ['go', 'build', '-o', '$out', '$file'],
    run: ['$out'],
    asksByTcp: true,
  },
  java: { file: 'Asks.java', source: JAVA, compile: undefined, run: ['java', '$file'], asksByTcp: true },
  python3: {
    file: 'asks.py',
    source: PYTHON,
    compile: undefined,
    run: ['python3', '$file'],
    asksByTcp: true,
  },
};
