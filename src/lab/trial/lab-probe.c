/*
 * lab-probe: the network program of the lab's pods, nodes and outside machines.
 *
 *   lab-probe serve PORT...     echoes TCP and UDP on every port, IPv4 and IPv6, and says first which
 *                               address it saw; a line that begins with "GET " gets an HTTP answer
 *   lab-probe ask TIMEOUT_MS    reads questions "ID tcp|udp|icmp ADDRESS PORT [FROM]", one a line, and prints
 *                               "ID works SOURCE" or "ID fails REASON" for each, 16 at a time; with FROM
 *                               the socket is bound to that address, as a program with one per NIC does it
 *
 * One small static program, because the lab runs one of it in every namespace.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_PORTS = 32,
	AT_ONCE = 16,
	TCP_BYTES = 64 * 1024, /* each way */
	UDP_DATAGRAMS = 8,
	UDP_BYTES = 1024,
	ECHO_BYTES = 1024,
	RESEND_MS = 200,
};

static void die(const char *what)
{
	fprintf(stderr, "lab-probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The address of `from` as text; an IPv4 peer of an IPv6 socket as IPv4. */
static void print_address(char *text, size_t size, const struct sockaddr_in6 *from)
{
	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr))
		inet_ntop(AF_INET, &from->sin6_addr.s6_addr[12], text, size);
	else
		inet_ntop(AF_INET6, &from->sin6_addr, text, size);
}

/* ---- serve ---- */

static int open_server(int type, int port)
{
	int off = 0, on = 1, fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (fd < 0) die("socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) die("bind");
	if (type == SOCK_STREAM && listen(fd, 128) < 0) die("listen");
	return fd;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
		if (n <= 0) return -1;
		bytes += n;
		length -= n;
	}
	return 0;
}

/* A peer that falls silent for a minute does not keep the process. */
static ssize_t heard(int fd, char *buffer, size_t size)
{
	alarm(60);
	return recv(fd, buffer, size, 0);
}

/* One connection, in a process of its own. */
static void serve_stream(int fd, const char *source)
{
	char buffer[16384], line[128];
	ssize_t n = heard(fd, buffer, sizeof buffer);
	if (n >= 4 && memcmp(buffer, "GET ", 4) == 0) {
		char answer[320];
		int body = snprintf(line, sizeof line, "you are %s\n", source);
		int length = snprintf(answer, sizeof answer,
			"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", body, line);
		write_all(fd, answer, length);
		return;
	}
	int length = snprintf(line, sizeof line, "%s\n", source);
	if (n > 0 && write_all(fd, line, length) < 0) return;
	for (; n > 0; n = heard(fd, buffer, sizeof buffer))
		if (write_all(fd, buffer, n) < 0) return;
}

static void accept_stream(int fd)
{
	struct sockaddr_in6 from;
	socklen_t size = sizeof from;
	char source[INET6_ADDRSTRLEN];
	int connection = accept4(fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
	if (connection < 0) return;
	if (fork() == 0) {
		close(fd);
		print_address(source, sizeof source, &from);
		serve_stream(connection, source);
		_exit(0);
	}
	close(connection);
}

/* Answers from the address that was asked, as a server with several addresses must. */
static void echo_datagram(int fd)
{
	struct sockaddr_in6 from;
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))], source[INET6_ADDRSTRLEN + 1], payload[4096];
	struct iovec in = { payload, sizeof payload };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &in, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(fd, &message, 0);
	if (n < 0) return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0; /* the routes choose the way */
	print_address(source, sizeof source, &from);
	strcat(source, "\n");
	struct iovec out[2] = { { source, strlen(source) }, { payload, n } };
	message.msg_iov = out;
	message.msg_iovlen = 2;
	sendmsg(fd, &message, 0);
}

static int serve(int count, char **ports)
{
	struct pollfd fds[2 * MAX_PORTS];
	if (count < 1 || count > MAX_PORTS) {
		fprintf(stderr, "lab-probe: give 1 to %d ports\n", MAX_PORTS);
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < count; i++) {
		int port = atoi(ports[i]);
		if (port < 1 || port > 65535) {
			fprintf(stderr, "lab-probe: port %s: allowed are 1 to 65535\n", ports[i]);
			return 2;
		}
		fds[2 * i] = (struct pollfd){ open_server(SOCK_STREAM, port), POLLIN, 0 };
		fds[2 * i + 1] = (struct pollfd){ open_server(SOCK_DGRAM, port), POLLIN, 0 };
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, 2 * count, -1) < 0 && errno != EINTR) die("poll");
		for (int i = 0; i < count; i++) {
			if (fds[2 * i].revents) accept_stream(fds[2 * i].fd);
			if (fds[2 * i + 1].revents) echo_datagram(fds[2 * i + 1].fd);
		}
	}
}

/* ---- ask ---- */

static long long deadline_ms;

static long long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static const char *question_id;

/* Prints the verdict as one write, so that those of other processes do not mix in, and ends. */
static void verdict(const char *kind, const char *format, ...)
{
	char text[200], line[300];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	int length = snprintf(line, sizeof line, "%s %s %s\n", question_id, kind, text);
	_exit(write(1, line, length) == length ? 0 : 1);
}

static void fails(const char *step)
{
	verdict("fails", "%s: %s", step, strerror(errno));
}

/* Waits until `fd` is ready for `events`, `until_ms` at most; false when it is not. */
static int ready(int fd, int events, long long until_ms)
{
	struct pollfd p = { fd, events, 0 };
	long long left = until_ms - now_ms();
	return left > 0 && poll(&p, 1, left) > 0;
}

static unsigned char pattern(size_t i)
{
	return 'a' + (i * 7 + i / 251) % 26;
}

/* The address to bind to; family 0 leaves it to the kernel. */
static struct sockaddr_storage from_address;

static int open_client(int type, int protocol, const struct sockaddr_storage *to, socklen_t size)
{
	int fd = socket(to->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0) fails("socket");
	if (from_address.ss_family && bind(fd, (const struct sockaddr *)&from_address, size) < 0) fails("bind");
	if (connect(fd, (const struct sockaddr *)to, size) < 0) {
		int error = errno;
		socklen_t length = sizeof error;
		if (error != EINPROGRESS) fails("connect");
		if (!ready(fd, POLLOUT, deadline_ms)) verdict("fails", "connect: no answer");
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if ((errno = error) != 0) fails("connect");
	}
	return fd;
}

static void ask_tcp(const struct sockaddr_storage *to, socklen_t size)
{
	static char sent[TCP_BYTES], got[TCP_BYTES + 64];
	size_t out = 0, in = 0;
	int fd = open_client(SOCK_STREAM, 0, to, size);
	for (size_t i = 0; i < sizeof sent; i++) sent[i] = pattern(i);
	for (;;) {
		if (!ready(fd, out < sizeof sent ? POLLIN | POLLOUT : POLLIN, deadline_ms))
			verdict("fails", "connected, then no answer after %zu bytes out and %zu bytes in", out, in);
		ssize_t n = out < sizeof sent ? send(fd, sent + out, sizeof sent - out, MSG_NOSIGNAL) : 0;
		if (n < 0 && errno != EAGAIN) fails("send");
		if (n > 0 && (out += n) == sizeof sent) shutdown(fd, SHUT_WR);
		n = recv(fd, got + in, sizeof got - in, 0);
		if (n < 0 && errno != EAGAIN) fails("receive");
		if (n == 0) break;
		if (n > 0) in += n;
	}
	char *end = memchr(got, '\n', in);
	size_t head = end ? end - got + 1 : 0;
	if (!end || in - head != sizeof sent || memcmp(end + 1, sent, sizeof sent) != 0)
		verdict("fails", "other data came back than was sent (%zu bytes)", in);
	*end = 0;
	verdict("works", "%s", got);
}

static void ask_udp(const struct sockaddr_storage *to, socklen_t size)
{
	unsigned answered = 0;
	char source[80] = "", datagram[UDP_BYTES], answer[UDP_BYTES + 80];
	int fd = open_client(SOCK_DGRAM, 0, to, size);
	while (answered != (1u << UDP_DATAGRAMS) - 1) {
		if (now_ms() >= deadline_ms) verdict("fails", "no answer to %d of %d datagrams",
			UDP_DATAGRAMS - __builtin_popcount(answered), UDP_DATAGRAMS);
		for (int number = 0; number < UDP_DATAGRAMS; number++) {
			if (answered & 1u << number) continue;
			datagram[0] = number;
			for (size_t i = 1; i < sizeof datagram; i++) datagram[i] = pattern(i + number);
			if (send(fd, datagram, sizeof datagram, 0) < 0 && errno != ECONNREFUSED) fails("send");
		}
		long long again_ms = now_ms() + RESEND_MS;
		while (answered != (1u << UDP_DATAGRAMS) - 1 && ready(fd, POLLIN, again_ms)) {
			ssize_t n = recv(fd, answer, sizeof answer, 0);
			if (n < 0) fails("receive");
			char *end = memchr(answer, '\n', n);
			unsigned number = end ? (unsigned char)end[1] : UDP_DATAGRAMS;
			if (number >= UDP_DATAGRAMS || n - (end + 1 - answer) != UDP_BYTES)
				verdict("fails", "other data came back than was sent");
			for (size_t i = 1; i < UDP_BYTES; i++)
				if (end[1 + i] != (char)pattern(i + number)) verdict("fails", "other data came back than was sent");
			*end = 0;
			if (*source && strcmp(source, answer) != 0) verdict("fails", "seen as %s and as %s", source, answer);
			snprintf(source, sizeof source, "%.60s", answer);
			answered |= 1u << number;
		}
	}
	verdict("works", "%s", source);
}

static unsigned short checksum(const unsigned char *bytes, size_t length)
{
	unsigned sum = 0;
	for (size_t i = 0; i + 1 < length; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

/* RFC 792 and RFC 4443 echo: both headers are type, code, checksum, id, sequence. The server says no source. */
static void ask_icmp(const struct sockaddr_storage *to, socklen_t size)
{
	int v4 = to->ss_family == AF_INET;
	unsigned char packet[8 + ECHO_BYTES] = { v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST }, answer[sizeof packet + 60];
	int fd = open_client(SOCK_RAW, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, to, size);
	packet[4] = getpid() >> 8;
	packet[5] = getpid();
	for (size_t i = 0; i < ECHO_BYTES; i++) packet[8 + i] = pattern(i);
	if (v4) {
		unsigned short sum = checksum(packet, sizeof packet);
		memcpy(packet + 2, &sum, 2);
	}
	while (now_ms() < deadline_ms) {
		if (send(fd, packet, sizeof packet, 0) < 0) fails("send");
		long long again_ms = now_ms() + RESEND_MS;
		while (ready(fd, POLLIN, again_ms)) {
			ssize_t n = recv(fd, answer, sizeof answer, 0);
			if (n < 0) fails("receive");
			size_t head = v4 ? (answer[0] & 15) * 4 : 0;
			if (n - head != sizeof packet || answer[head] != (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)) continue;
			if (memcmp(answer + head + 4, packet + 4, sizeof packet - 4) == 0) verdict("works", "-");
		}
	}
	verdict("fails", "no echo");
}

/* Fills a socket address and returns its size. */
static socklen_t socket_address(struct sockaddr_storage *to, const char *address, int port)
{
	struct sockaddr_in *v4 = (void *)to;
	struct sockaddr_in6 *v6 = (void *)to;
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1) verdict("fails", "%s is no address", address);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof *v6;
}

static void answer(const char *line, long timeout_ms)
{
	static char id[32], protocol[8], address[INET6_ADDRSTRLEN], from[INET6_ADDRSTRLEN];
	int port;
	struct sockaddr_storage to = { 0 };
	int fields = sscanf(line, "%31s %7s %45s %d %45s", id, protocol, address, &port, from);
	if (fields < 4) die("question is not ID PROTOCOL ADDRESS PORT [FROM]");
	question_id = id;
	deadline_ms = now_ms() + timeout_ms;
	int icmp = strcmp(protocol, "icmp") == 0;
	socklen_t size = socket_address(&to, address, icmp ? 0 : port);
	if (fields == 5) socket_address(&from_address, from, 0);
	if (icmp) ask_icmp(&to, size);
	if (strcmp(protocol, "udp") == 0) ask_udp(&to, size);
	ask_tcp(&to, size);
}

static int ask(const char *timeout)
{
	char *line = NULL;
	size_t size = 0;
	int running = 0;
	long timeout_ms = atol(timeout);
	while (getline(&line, &size, stdin) > 0) {
		if (running == AT_ONCE) {
			wait(NULL);
			running--;
		}
		pid_t child = fork();
		if (child < 0) die("fork");
		if (child == 0) answer(line, timeout_ms);
		running++;
	}
	while (wait(NULL) > 0) continue;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "serve") == 0) return serve(argc - 2, argv + 2);
	if (argc == 3 && strcmp(argv[1], "ask") == 0) return ask(argv[2]);
	fprintf(stderr, "usage: lab-probe serve PORT... | lab-probe ask TIMEOUT_MS\n");
	return 2;
}
