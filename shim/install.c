#define _GNU_SOURCE
#include "install.h"

#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const char program[] = "ow-cni";

static int failed(const char *what, const char *name) {
  fprintf(stderr, "ow-cni --install: %s %s: %s\n", what, name, strerror(errno));
  return 1;
}

/* Copies the running executable to a new file, on disk before anybody sees its final name. */
static bool copy_self(int directory, const char *name) {
  unlinkat(directory, name, 0);
  int source = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int target = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
  struct stat size;
  bool copied = source >= 0 && target >= 0 && fstat(source, &size) == 0;
  for (off_t at = 0; copied && at < size.st_size;) {
    ssize_t count = sendfile(target, source, &at, (size_t)(size.st_size - at));
    copied = count > 0 || (count < 0 && errno == EINTR);
  }
  copied = copied && fchmod(target, 0755) == 0 && fsync(target) == 0;
  int reason = errno;
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  errno = reason;
  return copied;
}

static bool is_type(const char *name) {
  return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && strlen(name) < 64;
}

/*
 * A file of the final name is replaced by rename alone: one that is running stays what it was, and none is ever
 * "text busy" (execve(2), ETXTBSY) or half written.
 */
int install(const char *path, char *const types[]) {
  for (int i = 0; types[i] != NULL; i++)
    if (!is_type(types[i])) return errno = EINVAL, failed("type", types[i]);
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed("open", path);
  char temporary[96];
  snprintf(temporary, sizeof temporary, ".%s.%d.tmp", program, (int)getpid());
  if (!copy_self(directory, temporary)) return failed("write", temporary);
  if (renameat(directory, temporary, directory, program) != 0) return failed("rename", temporary);
  for (int i = 0; types[i] != NULL; i++) {
    snprintf(temporary, sizeof temporary, ".%s.%d.tmp", types[i], (int)getpid());
    unlinkat(directory, temporary, 0);
    if (linkat(directory, program, directory, temporary, 0) != 0) return failed("link", types[i]);
    if (renameat(directory, temporary, directory, types[i]) != 0) return failed("rename", temporary);
    /* rename(2) between two names of one file does nothing and keeps both. */
    unlinkat(directory, temporary, 0);
  }
  return fsync(directory) == 0 ? 0 : failed("sync", path);
}
