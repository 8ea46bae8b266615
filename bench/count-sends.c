/*
 * Loaded into a process by LD_PRELOAD: counts what is sent to the kernel by route netlink and nftables, the libraries' own
 * requests included, as eight-byte numbers in the file that OW_BENCH_SENDS names: route netlink, then nftables.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned long *counts;

__attribute__((constructor)) static void open_counts(void) {
  const char *path = getenv("OW_BENCH_SENDS");
  int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  void *map = ftruncate(file, 16) != 0 ? MAP_FAILED : mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (map != MAP_FAILED) counts = map;
}

static void count(int fd) {
  int domain = 0, protocol = 0;
  socklen_t size = sizeof domain;
  if (counts == NULL || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_NETLINK) return;
  size = sizeof protocol;
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0) return;
  if (protocol == NETLINK_ROUTE) __atomic_add_fetch(&counts[0], 1, __ATOMIC_RELAXED);
  if (protocol == NETLINK_NETFILTER) __atomic_add_fetch(&counts[1], 1, __ATOMIC_RELAXED);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  static ssize_t (*next)(int, const void *, size_t, int);
  if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "send");
  count(fd);
  return next(fd, bytes, length, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  static ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
  if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "sendto");
  count(fd);
  return next(fd, bytes, length, flags, to, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  static ssize_t (*next)(int, const struct msghdr *, int);
  if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "sendmsg");
  count(fd);
  return next(fd, message, flags);
}
