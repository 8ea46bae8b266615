#include "bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bytes_reserve(struct bytes *bytes, size_t more) {
  if (bytes->capacity - bytes->length >= more) return;
  size_t capacity = bytes->capacity == 0 ? 4096 : bytes->capacity;
  while (capacity - bytes->length < more) capacity *= 2;
  char *data = realloc(bytes->data, capacity);
  if (data == NULL) {
    bytes_write("ow-cni: out of memory\n", 22, STDERR_FILENO);
    _exit(1);
  }
  bytes->data = data;
  bytes->capacity = capacity;
}

void bytes_add(struct bytes *bytes, const void *data, size_t length) {
  if (length == 0) return;
  bytes_reserve(bytes, length);
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length += length;
}

void bytes_add_text(struct bytes *bytes, const char *text) { bytes_add(bytes, text, strlen(text)); }

void bytes_add_json(struct bytes *bytes, const char *text) {
  bytes_add_text(bytes, "\"");
  for (; *text != '\0'; text++) {
    bool printable = *text >= ' ' && *text <= '~';
    if (*text == '"' || *text == '\\') bytes_add_text(bytes, "\\");
    bytes_add(bytes, printable ? text : "?", 1);
  }
  bytes_add_text(bytes, "\"");
}

bool bytes_write(const char *data, size_t length, int fd) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    length -= (size_t)written;
  }
  return true;
}
