/* A growing run of bytes: what the shim reads, builds and sends. */
#ifndef OW_BYTES_H
#define OW_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
  char *data;
  size_t length;
  size_t capacity;
};

/* Makes room for `more` bytes behind the content. Out of memory ends the process: nothing sensible is left to do. */
void bytes_reserve(struct bytes *bytes, size_t more);

void bytes_add(struct bytes *bytes, const void *data, size_t length);

void bytes_add_text(struct bytes *bytes, const char *text);

/* Adds text as a JSON string with its quotes; a byte that is not ASCII text becomes '?'. */
void bytes_add_json(struct bytes *bytes, const char *text);

/* Writes everything to a blocking descriptor; false with errno when that fails. */
bool bytes_write(const char *data, size_t length, int fd);

#endif
