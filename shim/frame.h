/*
 * The protocol between shim and agent: one request frame, one answer frame per connection.
 *
 *   OWCNI <protocol>\n
 *   <name> <length in bytes>\n<value>\n      any number of times; names are [a-zA-Z0-9_:.-]+
 *   end 0\n\n
 */
#ifndef OW_FRAME_H
#define OW_FRAME_H

#include "bytes.h"

void frame_begin(struct bytes *frame);
void frame_field(struct bytes *frame, const char *name, const char *value, size_t length);
void frame_end(struct bytes *frame);

/* What the agent said; the texts point into the frame. */
struct answer {
  int exit_code;
  const char *output;
  size_t output_length;
  const char *log;
  size_t log_length;
};

enum frame_state { FRAME_INCOMPLETE, FRAME_COMPLETE, FRAME_BROKEN };

/* Reads an answer. Fields of an unknown name are skipped, so that the agent may say more than this shim knows. */
enum frame_state frame_read(const struct bytes *frame, struct answer *answer);

#endif
