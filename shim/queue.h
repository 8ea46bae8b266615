/* The durable queue of DELs for an agent that is away: one request frame per file. */
#ifndef OW_QUEUE_H
#define OW_QUEUE_H

#include "bytes.h"

/* Beyond this many waiting DELs a new one is refused, the old ones are kept: the disk of a node is not ours to fill. */
enum { QUEUE_LIMIT_FILES = 4096 };

/* Writes <id>.del so that it survives a power cut, and the directory where it is missing. False with errno; EDQUOT: full. */
bool queue_add(const char *path, const char *id, const struct bytes *frame);

#endif
