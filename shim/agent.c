#define _GNU_SOURCE
#include "agent.h"

#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_BYTES = 16 * 1024, ANSWER_LIMIT_BYTES = 16 * 1024 * 1024, FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 250 };

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the descriptor is ready; false with ETIMEDOUT when it is not by the deadline. */
static bool wait_for(int fd, short events, int64_t deadline_ms) {
  for (;;) {
    int64_t left_ms = deadline_ms - now_ms();
    struct pollfd ready = {.fd = fd, .events = events};
    int count = poll(&ready, 1, left_ms < 0 ? 0 : (int)left_ms);
    if (count > 0) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ETIMEDOUT;
    return false;
  }
}

/* One read into the free room: the number of bytes, 0 at the end, -1 with errno. */
static ssize_t read_some(int fd, struct bytes *into, int64_t deadline_ms) {
  bytes_reserve(into, CHUNK_BYTES);
  for (;;) {
    if (!wait_for(fd, POLLIN, deadline_ms)) return -1;
    ssize_t count = read(fd, into->data + into->length, into->capacity - into->length);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count > 0) into->length += (size_t)count;
    return count;
  }
}

bool read_all(int fd, struct bytes *into, size_t limit, int64_t deadline_ms) {
  while (into->length <= limit) {
    ssize_t count = read_some(fd, into, deadline_ms);
    if (count <= 0) return count == 0;
  }
  return true;
}

int agent_connect(const char *path, int64_t patience_ms, int64_t deadline_ms) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int64_t pause_ms = FIRST_PAUSE_MS;
  while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int reason = errno;
    /* No file, or a file nobody listens on: away, perhaps starting. EAGAIN: its backlog is full (unix(7)). */
    bool away = reason == ENOENT || reason == ECONNREFUSED;
    int64_t until_ms = away ? patience_ms : deadline_ms;
    int64_t left_ms = until_ms - now_ms();
    if ((!away && reason != EAGAIN && reason != EINTR) || left_ms <= 0) {
      close(fd);
      errno = reason;
      return -1;
    }
    poll(NULL, 0, (int)(left_ms < pause_ms ? left_ms : pause_ms));
    pause_ms = pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause_ms * 2;
  }
  return fd;
}

/* Sends the whole frame; false with errno. */
static bool send_frame(int fd, const struct bytes *frame, int64_t deadline_ms) {
  size_t sent = 0;
  while (sent < frame->length) {
    ssize_t count = send(fd, frame->data + sent, frame->length - sent, MSG_NOSIGNAL);
    if (count >= 0) sent += (size_t)count;
    else if (errno == EAGAIN && !wait_for(fd, POLLOUT, deadline_ms)) return false;
    else if (errno != EAGAIN && errno != EINTR) return false;
  }
  return true;
}

static bool ends_with(const struct bytes *bytes, const char *text) {
  size_t length = strlen(text);
  return bytes->length >= length && memcmp(bytes->data + bytes->length - length, text, length) == 0;
}

static enum exchange broken(const char **why) {
  *why = errno == ETIMEDOUT ? "did not answer in time" : strerror(errno);
  return errno == ECONNRESET || errno == EPIPE ? AGENT_LOST : AGENT_FAILED;
}

enum exchange agent_exchange(int fd, const struct bytes *frame, struct bytes *into, struct answer *answer,
                             int64_t deadline_ms, const char **why) {
  if (!send_frame(fd, frame, deadline_ms)) return broken(why);
  for (;;) {
    ssize_t count = read_some(fd, into, deadline_ms);
    if (count < 0) return broken(why);
    if (into->length > ANSWER_LIMIT_BYTES) return *why = "sent an answer of more than 16 MiB", AGENT_FAILED;
    /* The frame ends itself; the end of the connection is not waited for. */
    if (count > 0 && !ends_with(into, "\nend 0\n\n")) continue;
    enum frame_state state = frame_read(into, answer);
    if (state == FRAME_COMPLETE) return ANSWERED;
    if (state == FRAME_BROKEN) return *why = "sent a malformed answer", AGENT_FAILED;
    if (count == 0) return *why = "closed the connection before its answer was complete", AGENT_LOST;
  }
}
