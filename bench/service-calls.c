/*
 * service-calls MODE HOST PORT COUNT: the sockets of the benchmark of Services, on one processor.
 * serve    answers by TCP and UDP with what comes
 * turns    one connection, COUNT small requests in turn
 * requests COUNT times: connect, one request, close
 * connects COUNT times: connect, close
 * datagrams COUNT times: a new socket, one datagram, its answer
 * named    COUNT times: connect of one UDP socket
 * Prints nanoseconds of each.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };

static struct sockaddr_in place;

static void fail(const char *what) {
  fprintf(stderr, "service-calls: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int checked(const char *what, long result) {
  if (result < 0) fail(what);
  return (int)result;
}

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int opened(int type) {
  int one = 1, fd = checked("socket", socket(AF_INET, type | SOCK_CLOEXEC, 0));
  if (type == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static int connected(int type) {
  int fd = opened(type);
  checked("connect", connect(fd, (struct sockaddr *)&place, sizeof place));
  return fd;
}

static void ask(int fd) {
  char byte = 'x';
  checked("send", send(fd, &byte, 1, 0));
  if (checked("recv", recv(fd, &byte, 1, 0)) != 1) fail("end");
}

static void ask_by_name(void) {
  char byte = 'x';
  int fd = opened(SOCK_DGRAM);
  checked("sendto", sendto(fd, &byte, 1, 0, (struct sockaddr *)&place, sizeof place));
  checked("recv", recv(fd, &byte, 1, 0));
  close(fd);
}

static void answer_datagram(int fd) {
  char bytes[2048];
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
  if (got > 0) sendto(fd, bytes, (size_t)got, 0, (struct sockaddr *)&from, length);
}

/* Whether the connection goes on. */
static int answer(int fd) {
  char bytes[2048];
  ssize_t got = recv(fd, bytes, sizeof bytes, 0);
  return got > 0 && send(fd, bytes, (size_t)got, MSG_NOSIGNAL) == got;
}

static void serve(void) {
  int one = 1, tcp = opened(SOCK_STREAM), udp = opened(SOCK_DGRAM);
  setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  checked("bind", bind(tcp, (struct sockaddr *)&place, sizeof place));
  checked("bind", bind(udp, (struct sockaddr *)&place, sizeof place));
  checked("listen", listen(tcp, 512));
  struct pollfd all[MOST] = {{.fd = tcp, .events = POLLIN}, {.fd = udp, .events = POLLIN}};
  for (nfds_t count = 2;;) {
    checked("poll", poll(all, count, -1));
    for (nfds_t at = count - 1; at >= 2; at--) {
      if (all[at].revents == 0 || answer(all[at].fd)) continue;
      close(all[at].fd);
      all[at] = all[--count];
    }
    if (all[1].revents) answer_datagram(udp);
    if (all[0].revents && count < MOST) {
      int fd = accept(tcp, NULL, NULL);
      if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        all[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
      }
    }
  }
}

static void use_one_processor(void) {
  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  checked("processor", sched_setaffinity(0, sizeof one, &one));
}

static void once(const char *mode, int fd) {
  if (strcmp(mode, "turns") == 0) return ask(fd);
  if (strcmp(mode, "datagrams") == 0) return ask_by_name();
  if (strcmp(mode, "named") == 0) {
    checked("connect", connect(fd, (struct sockaddr *)&place, sizeof place));
    return;
  }
  int own = connected(SOCK_STREAM);
  if (strcmp(mode, "requests") == 0) ask(own);
  close(own);
}

int main(int argc, char *argv[]) {
  if (argc != 5) return fprintf(stderr, "usage: service-calls MODE HOST PORT COUNT\n"), 2;
  const char *mode = argv[1];
  place.sin_family = AF_INET;
  place.sin_port = htons((uint16_t)atoi(argv[3]));
  if (inet_pton(AF_INET, argv[2], &place.sin_addr) != 1) return fprintf(stderr, "wrong address\n"), 2;
  use_one_processor();
  if (strcmp(mode, "serve") == 0) serve();
  int count = atoi(argv[4]), fd = -1;
  if (strcmp(mode, "turns") == 0) fd = connected(SOCK_STREAM);
  if (strcmp(mode, "named") == 0) fd = opened(SOCK_DGRAM);
  double begin = now_ns();
  for (int i = 0; i < count; i++) once(mode, fd);
  printf("%.1f\n", (now_ns() - begin) / count);
  return 0;
}
