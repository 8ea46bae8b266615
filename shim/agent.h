/* The way to the agent: its unix socket, and how long to wait for what. */
#ifndef OW_AGENT_H
#define OW_AGENT_H

#include "bytes.h"

#include <stdint.h>

/* Milliseconds of a clock that never steps. */
int64_t now_ms(void);

/* Reads until the end of input, `limit` bytes (then true with more than `limit` bytes read) or the deadline. */
bool read_all(int fd, struct bytes *into, size_t limit, int64_t deadline_ms);

/*
 * Connects to the socket; -1 with errno. An agent that is not there is waited for until `patience_ms` (a time, not a
 * length); one that is only too busy to take the connection until `deadline_ms`.
 */
int agent_connect(const char *path, int64_t patience_ms, int64_t deadline_ms);

struct answer;

enum exchange { ANSWERED, AGENT_LOST, AGENT_FAILED };

/*
 * Sends the whole frame and reads one whole answer. AGENT_LOST: the connection ended first, as it does when the agent stops or dies;
 * AGENT_FAILED: the answer is late, too large or makes no sense. Both say in *why, in words, what happened.
 */
enum exchange agent_exchange(int fd, const struct bytes *frame, struct bytes *into, struct answer *answer,
                             int64_t deadline_ms, const char **why);

#endif
