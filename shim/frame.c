#include "frame.h"

#include <stdio.h>
#include <string.h>

static const char magic[] = "OWCNI 1\n";
enum { MAGIC_LENGTH = sizeof magic - 1, LONGEST_NAME = 64, LONGEST_LENGTH = 9 };

void frame_begin(struct bytes *frame) { bytes_add(frame, magic, MAGIC_LENGTH); }

void frame_field(struct bytes *frame, const char *name, const char *value, size_t length) {
  char size[32];
  snprintf(size, sizeof size, " %zu\n", length);
  bytes_add_text(frame, name);
  bytes_add_text(frame, size);
  bytes_add(frame, value, length);
  bytes_add_text(frame, "\n");
}

void frame_end(struct bytes *frame) { frame_field(frame, "end", "", 0); }

/* One field while it is read; `rest` moves behind it. */
struct field {
  const char *name;
  size_t name_length;
  const char *value;
  size_t length;
};

static bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("_:.-", c) != NULL);
}

static enum frame_state field_read(const char **rest, const char *end, struct field *field) {
  const char *at = *rest;
  field->name = at;
  while (at < end && is_name(*at)) at++;
  field->name_length = (size_t)(at - field->name);
  if (field->name_length > LONGEST_NAME) return FRAME_BROKEN;
  if (at == end) return FRAME_INCOMPLETE;
  if (field->name_length == 0 || *at++ != ' ') return FRAME_BROKEN;

  const char *digits = at;
  field->length = 0;
  while (at < end && *at >= '0' && *at <= '9' && at - digits < LONGEST_LENGTH)
    field->length = field->length * 10 + (size_t)(*at++ - '0');
  if (at == end) return FRAME_INCOMPLETE;
  if (at == digits || *at++ != '\n') return FRAME_BROKEN;

  if ((size_t)(end - at) <= field->length) return FRAME_INCOMPLETE;
  field->value = at;
  if (at[field->length] != '\n') return FRAME_BROKEN;
  *rest = at + field->length + 1;
  return FRAME_COMPLETE;
}

static bool is_called(const struct field *field, const char *name) {
  return field->name_length == strlen(name) && memcmp(field->name, name, field->name_length) == 0;
}

/* 0 … 255, as a process can return it; -1 for anything else. */
static int exit_code(const struct field *field) {
  if (field->length == 0 || field->length > 3) return -1;
  int code = 0;
  for (size_t i = 0; i < field->length; i++) {
    if (field->value[i] < '0' || field->value[i] > '9') return -1;
    code = code * 10 + (field->value[i] - '0');
  }
  return code <= 255 ? code : -1;
}

enum frame_state frame_read(const struct bytes *frame, struct answer *answer) {
  size_t compared = frame->length < MAGIC_LENGTH ? frame->length : MAGIC_LENGTH;
  if (compared > 0 && memcmp(frame->data, magic, compared) != 0) return FRAME_BROKEN;
  if (frame->length < MAGIC_LENGTH) return FRAME_INCOMPLETE;

  *answer = (struct answer){.exit_code = -1};
  const char *rest = frame->data + MAGIC_LENGTH;
  const char *end = frame->data + frame->length;
  for (;;) {
    struct field field;
    enum frame_state state = field_read(&rest, end, &field);
    if (state != FRAME_COMPLETE) return state;
    if (is_called(&field, "end")) break;
    if (is_called(&field, "exit")) {
      answer->exit_code = exit_code(&field);
      if (answer->exit_code < 0) return FRAME_BROKEN;
    } else if (is_called(&field, "stdout")) {
      answer->output = field.value;
      answer->output_length = field.length;
    } else if (is_called(&field, "log")) {
      answer->log = field.value;
      answer->log_length = field.length;
    }
  }
  return rest == end && answer->exit_code >= 0 && answer->output != NULL ? FRAME_COMPLETE : FRAME_BROKEN;
}
