/*
 * ow-cni: the CNI executable. Moves a request to the agent and its answer back; knows nothing else but VERSION, what to
 * say when the agent is away, and how to queue a DEL. CNI specification 1.1.0, "Section 2: Execution Protocol".
 */
#define _GNU_SOURCE
#include "agent.h"
#include "bytes.h"
#include "frame.h"
#include "queue.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#ifndef OW_VERSION
#define OW_VERSION "0"
#endif
#ifndef OW_SOCKET_PATH
#define OW_SOCKET_PATH "/run/orbweaver/agent.sock"
#endif
#ifndef OW_QUEUE_DIR
#define OW_QUEUE_DIR "/var/lib/orbweaver/del-queue"
#endif
/* How long ADD, CHECK and GC wait for an agent that is starting, and for everything together: kubelet gives up after 2 min. */
#ifndef OW_PATIENCE_MS
#define OW_PATIENCE_MS 30000
#endif
#ifndef OW_TOTAL_MS
#define OW_TOTAL_MS 90000
#endif

#define SUPPORTED "[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]"

enum { STDIN_LIMIT_BYTES = 4 * 1024 * 1024, RETRY_PAUSE_MS = 50 };

/* Error codes of the specification, "Section 5: Result Types". */
enum { BAD_ENVIRONMENT = 4, IO_FAILURE = 5, INVALID_CONFIG = 7, TRY_AGAIN_LATER = 11, NOT_AVAILABLE = 50 };

struct verb {
  const char *name;
  /* How long an agent that is not there is waited for, and how long everything may take. */
  int patience_ms, total_ms;
  /* The code that says that the agent could not do it. */
  int away_code;
};

static const struct verb verbs[] = {
    {"ADD", OW_PATIENCE_MS, OW_TOTAL_MS, TRY_AGAIN_LATER},
    {"CHECK", OW_PATIENCE_MS, OW_TOTAL_MS, TRY_AGAIN_LATER},
    {"GC", OW_PATIENCE_MS, OW_TOTAL_MS, TRY_AGAIN_LATER},
    /* A node that is drained must not wait for each pod: the queue is as good as the agent. */
    {"DEL", 0, 1000, TRY_AGAIN_LATER},
    /* containerd asks every 5 s; one that is away is known at once, one that is only busy is given time to say so. */
    {"STATUS", 0, 4000, NOT_AVAILABLE},
    {"VERSION", 0, 1000, NOT_AVAILABLE},
};

static const char *const forwarded[] = {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS",          "CNI_IFNAME",
                                        "CNI_ARGS",    "CNI_PATH",        "CNI_NETNS_OVERRIDE"};

struct request {
  const struct verb *verb;
  const char *type;
  char id[17];
  char cni_version[16];
  int64_t deadline_ms;
  struct bytes input;
  struct bytes frame;
};

/* Sixteen hex digits that the logs of shim and agent share. */
static void choose_id(char id[static 17]) {
  unsigned char random[8] = {0};
  if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
    int64_t seed = now_ms() * 4194304 + getpid();
    memcpy(random, &seed, sizeof random);
  }
  for (size_t i = 0; i < sizeof random; i++) snprintf(id + 2 * i, 3, "%02x", random[i]);
}

/* The version asked in, found without a JSON parser; only ever repeated to the caller. The newest when there is none. */
static void find_version(struct request *request) {
  strcpy(request->cni_version, "1.1.0");
  static const char key[] = "\"cniVersion\"";
  const char *at = request->input.length == 0
                       ? NULL
                       : memmem(request->input.data, request->input.length, key, sizeof key - 1);
  if (at == NULL) return;
  const char *end = request->input.data + request->input.length;
  at += sizeof key - 1;
  while (at < end && strchr(" \t\r\n:", *at) != NULL && *at != '\0') at++;
  if (at == end || *at++ != '"') return;
  size_t length = 0;
  while (at + length < end && ((at[length] >= '0' && at[length] <= '9') || at[length] == '.')) length++;
  if (length == 0 || length >= sizeof request->cni_version || at + length == end || at[length] != '"') return;
  memcpy(request->cni_version, at, length);
  request->cni_version[length] = '\0';
}

/* Each line to stderr, with the request id in front, so that it can be found in the agent's log. */
static void say(const struct request *request, const char *text, size_t length) {
  struct bytes lines = {0};
  while (length > 0) {
    const char *newline = memchr(text, '\n', length);
    size_t line = newline == NULL ? length : (size_t)(newline - text);
    bytes_add_text(&lines, "ow-cni ");
    bytes_add_text(&lines, request->id);
    bytes_add_text(&lines, ": ");
    bytes_add(&lines, text, line);
    bytes_add_text(&lines, "\n");
    if (newline != NULL) line++;
    text += line;
    length -= line;
  }
  if (lines.length > 0) bytes_write(lines.data, lines.length, STDERR_FILENO);
  free(lines.data);
}

/* Says an error the way the specification wants it: one JSON document on stdout. The exit code is that of Go's library. */
static int fail(const struct request *request, int code, const char *message, const char *details) {
  struct bytes error = {0};
  char number[32];
  snprintf(number, sizeof number, ",\"code\":%d,\"msg\":", code);
  bytes_add_text(&error, "{\"cniVersion\":");
  bytes_add_json(&error, request->cni_version);
  bytes_add_text(&error, number);
  bytes_add_json(&error, message);
  bytes_add_text(&error, ",\"details\":");
  bytes_add_json(&error, details);
  bytes_add_text(&error, "}\n");
  bytes_write(error.data, error.length, STDOUT_FILENO);
  say(request, message, strlen(message));
  say(request, details, strlen(details));
  return 1;
}

static int answer_version(const struct request *request) {
  struct bytes answer = {0};
  bytes_add_text(&answer, "{\"cniVersion\":");
  bytes_add_json(&answer, request->cni_version);
  bytes_add_text(&answer, ",\"supportedVersions\":" SUPPORTED "}\n");
  return bytes_write(answer.data, answer.length, STDOUT_FILENO) ? 0 : 1;
}

static void build_frame(struct request *request) {
  char left[24];
  int64_t left_ms = request->deadline_ms - now_ms();
  snprintf(left, sizeof left, "%lld", (long long)(left_ms < 0 ? 0 : left_ms));
  struct bytes *frame = &request->frame;
  frame->length = 0;
  frame_begin(frame);
  frame_field(frame, "type", request->type, strlen(request->type));
  frame_field(frame, "shim", OW_VERSION, strlen(OW_VERSION));
  frame_field(frame, "request", request->id, strlen(request->id));
  frame_field(frame, "deadline", left, strlen(left));
  for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++) {
    const char *value = getenv(forwarded[i]);
    if (value == NULL) continue;
    char name[32];
    snprintf(name, sizeof name, "env:%s", forwarded[i]);
    frame_field(frame, name, value, strlen(value));
  }
  frame_field(frame, "stdin", request->input.data, request->input.length);
  frame_end(frame);
}

/* The agent could not do it, for the reason given. A DEL is kept for later, everything else is an error. */
static int without_agent(const struct request *request, const char *why) {
  char details[256];
  snprintf(details, sizeof details, "the agent at " OW_SOCKET_PATH " %s (request %s)", why, request->id);
  if (strcmp(request->verb->name, "DEL") != 0)
    return fail(request, request->verb->away_code, "the Orbweaver agent of this node is not available", details);
  say(request, details, strlen(details));
  if (queue_add(OW_QUEUE_DIR, request->id, &request->frame)) {
    static const char queued[] = "DEL queued in " OW_QUEUE_DIR " for the agent's next start";
    say(request, queued, sizeof queued - 1);
    return 0;
  }
  if (errno == EDQUOT)
    return fail(request, TRY_AGAIN_LATER, "the queue of DELs is full and the agent is not available",
                "start the agent: it serves the queue. Remove no file from " OW_QUEUE_DIR);
  return fail(request, IO_FAILURE, "cannot queue the DEL in " OW_QUEUE_DIR, strerror(errno));
}

static int ask_agent(struct request *request) {
  int64_t patience_ms = now_ms() + request->verb->patience_ms;
  struct bytes received = {0};
  struct answer answer;
  for (;;) {
    int fd = agent_connect(OW_SOCKET_PATH, patience_ms, request->deadline_ms);
    int reason = errno;
    build_frame(request);
    if (fd < 0) {
      char why[128];
      snprintf(why, sizeof why, "cannot be reached: %s", strerror(reason));
      return without_agent(request, why);
    }
    const char *trouble;
    enum exchange end = agent_exchange(fd, &request->frame, &received, &answer, request->deadline_ms, &trouble);
    if (end == ANSWERED) break;
    /* Asking again is safe, since every verb may be repeated, and what the next agent finds is what this one has left. */
    if (end == AGENT_FAILED || now_ms() >= patience_ms) return without_agent(request, trouble);
    close(fd);
    received.length = 0;
    poll(NULL, 0, RETRY_PAUSE_MS);
  }
  say(request, answer.log, answer.log_length);
  return bytes_write(answer.output, answer.output_length, STDOUT_FILENO) ? answer.exit_code : 1;
}

static const struct verb *find_verb(const char *name) {
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
  return NULL;
}

int main(int argc, char *argv[]) {
  const char *command = getenv("CNI_COMMAND");
  if (command == NULL || *command == '\0') {
    /* By its first three words the agent knows an executable of ours, whatever its version (src/node/node-files.ts). */
    fputs("Orbweaver CNI plugin " OW_VERSION "; CNI protocol versions supported: 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
          stderr);
    return 0;
  }
  struct request request = {.verb = find_verb(command), .cni_version = "1.1.0"};
  const char *path = argc > 0 ? argv[0] : "";
  const char *slash = strrchr(path, '/');
  request.type = slash == NULL ? path : slash + 1;
  choose_id(request.id);
  if (request.verb == NULL) return fail(&request, BAD_ENVIRONMENT, "unknown CNI_COMMAND", command);

  /* A busy runtime may be slow to write; that is none of the time that the agent is given, and a DEL must not fail for it. */
  int stdin_ms = strcmp(request.verb->name, "VERSION") == 0 ? request.verb->total_ms : OW_TOTAL_MS;
  bool whole = read_all(STDIN_FILENO, &request.input, STDIN_LIMIT_BYTES, now_ms() + stdin_ms);
  request.deadline_ms = now_ms() + request.verb->total_ms;
  find_version(&request);
  if (strcmp(request.verb->name, "VERSION") == 0) return answer_version(&request);
  if (!whole) return fail(&request, IO_FAILURE, "cannot read the network configuration from stdin", strerror(errno));
  if (request.input.length > STDIN_LIMIT_BYTES)
    return fail(&request, INVALID_CONFIG, "the network configuration on stdin is larger than 4 MiB", "");
  return ask_agent(&request);
}
