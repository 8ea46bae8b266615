#define _GNU_SOURCE
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_directories(const char *path) {
  char parent[PATH_MAX];
  if (strlen(path) >= sizeof parent) return errno = ENAMETOOLONG, false;
  strcpy(parent, path);
  for (char *slash = strchr(parent + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(parent, 0700) != 0 && errno != EEXIST) return false;
    *slash = '/';
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool has_room(int directory) {
  int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = copy < 0 ? NULL : fdopendir(copy);
  if (entries == NULL) return false;
  int count = 0;
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    size_t length = strlen(entry->d_name);
    if (length > 4 && strcmp(entry->d_name + length - 4, ".del") == 0) count++;
  }
  closedir(entries);
  if (count >= QUEUE_LIMIT_FILES) errno = EDQUOT;
  return count < QUEUE_LIMIT_FILES;
}

static bool write_file(int directory, const char *name, const struct bytes *content) {
  int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = bytes_write(content->data, content->length, fd) && fsync(fd) == 0;
  int reason = errno;
  close(fd);
  errno = reason;
  return written;
}

/*
 * Writes over one of the spare files that the agent keeps for a full disk (src/kernel/spare-files.ts): what lies in them already has
 * its room. By the rename a spare file is one taker's alone.
 */
static bool write_over_spare(int directory, const char *name, const struct bytes *content) {
  int fd = -1;
  for (char spare = '0'; spare <= '7' && fd < 0; spare++) {
    const char path[] = {'.', 's', 'p', 'a', 'r', 'e', '-', spare, '\0'};
    if (renameat(directory, path, directory, name) != 0) continue;
    fd = openat(directory, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  }
  if (fd < 0) return errno = ENOSPC, false;
  bool written = bytes_write(content->data, content->length, fd) && ftruncate(fd, (off_t)content->length) == 0 &&
                 fsync(fd) == 0;
  int reason = errno;
  close(fd);
  errno = reason;
  return written;
}

static bool write_request(int directory, const char *name, const struct bytes *content) {
  if (write_file(directory, name, content)) return true;
  if (errno != ENOSPC && errno != EDQUOT) return false;
  unlinkat(directory, name, 0);
  return write_over_spare(directory, name, content);
}

bool queue_add(const char *path, const char *id, const struct bytes *frame) {
  if (!make_directories(path)) return false;
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  char name[64], temporary[64];
  snprintf(name, sizeof name, "%s.del", id);
  snprintf(temporary, sizeof temporary, ".%s.tmp", id);
  bool added = has_room(directory) && write_request(directory, temporary, frame) &&
               renameat(directory, temporary, directory, name) == 0 && fsync(directory) == 0;
  int reason = errno;
  if (!added) unlinkat(directory, temporary, 0);
  close(directory);
  errno = reason;
  return added;
}
