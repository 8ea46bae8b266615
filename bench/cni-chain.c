/*
 * cni-chain VERB RESULTS PLUGIN CONF [PLUGIN CONF ...] : plays a container runtime, as cheaply as Linux can (posix_spawn).
 * Each line of stdin, `CONTAINERID NETNS POD`, is a sandbox; all of them go through the chain of plugins at once. As libcni
 * does, ADD hands the result of one plugin to the next as prevResult, and DEL the last result to each, in reverse order.
 * RESULTS is a folder that keeps the last result of each sandbox. A CONF file holds JSON without its closing brace.
 * Prints a line for each sandbox: microseconds from the common start until its chain had ended.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SANDBOXES = 512, MAX_DOCUMENT = 65536, MAX_FIELD = 256 };

struct sandbox {
  char id[MAX_FIELD], netns[MAX_FIELD], pod[MAX_FIELD];
};

static struct sandbox sandboxes[MAX_SANDBOXES];

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void die(const char *what) {
  perror(what);
  exit(2);
}

/* The file's text; empty where there is none. */
static void read_file(const char *path, char *text) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, text, MAX_DOCUMENT - 1);
  if (length < 0) die(path);
  text[length] = 0;
  if (file >= 0) close(file);
}

static void write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, text, strlen(text)) < 0) die(path);
  close(file);
}

/* Runs one plugin with `input` on its stdin; `output` gets its stdout. Ends the process where the plugin fails. */
static void run_plugin(char *plugin, char *const environment[], const char *input, char *output) {
  int in[2], out[2], status;
  pid_t child;
  posix_spawn_file_actions_t actions;
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) die("pipe2");
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  char *arguments[] = {plugin, NULL};
  if (posix_spawn(&child, plugin, &actions, NULL, arguments, environment) != 0) die(plugin);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (write(in[1], input, strlen(input)) < 0) die("write");
  close(in[1]);
  size_t length = 0;
  for (ssize_t got; (got = read(out[0], output + length, MAX_DOCUMENT - 1 - length)) > 0;) length += (size_t)got;
  output[length] = 0;
  close(out[0]);
  if (waitpid(child, &status, 0) != child) die("waitpid");
  if (status == 0) return;
  fprintf(stderr, "%s ended with status %d: %s\n", plugin, status, output);
  exit(1);
}

static void run_chain(const char *verb, const char *results, const struct sandbox *one, char **steps, int count) {
  static char conf[MAX_DOCUMENT], input[2 * MAX_DOCUMENT + 32], result[MAX_DOCUMENT], output[MAX_DOCUMENT];
  char file[2 * MAX_FIELD], id[MAX_FIELD + 32], netns[MAX_FIELD + 32], arguments[MAX_FIELD + 64], command[64];
  int add = strcmp(verb, "ADD") == 0;
  snprintf(command, sizeof command, "CNI_COMMAND=%s", verb);
  snprintf(id, sizeof id, "CNI_CONTAINERID=%s", one->id);
  snprintf(netns, sizeof netns, "CNI_NETNS=%s", one->netns);
  snprintf(arguments, sizeof arguments, "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=%s", one->pod);
  snprintf(file, sizeof file, "%s/%s", results, one->id);
  char *environment[] = {command, id, netns, arguments, "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin",
                         "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
  result[0] = 0;
  if (!add) read_file(file, result);
  for (int i = 0; i < count; i++) {
    int step = add ? i : count - 1 - i;
    read_file(steps[2 * step + 1], conf);
    if (result[0] == 0) snprintf(input, sizeof input, "%s}", conf);
    else snprintf(input, sizeof input, "%s,\"prevResult\":%s}", conf, result);
    run_plugin(steps[2 * step], environment, input, output);
    if (add) strcpy(result, output);
  }
  if (add) write_file(file, result);
  else unlink(file);
}

int main(int argc, char *argv[]) {
  int count = 0, gate[2], failed = 0;
  pid_t children[MAX_SANDBOXES];
  if (argc < 5 || argc % 2 == 0) return fprintf(stderr, "usage: cni-chain VERB RESULTS PLUGIN CONF...\n"), 2;
  while (count < MAX_SANDBOXES &&
         scanf("%255s %255s %255s", sandboxes[count].id, sandboxes[count].netns, sandboxes[count].pod) == 3)
    count++;
  if (count == 0) return fprintf(stderr, "no sandboxes on stdin\n"), 2;
  double *times = mmap(NULL, sizeof(double) * (size_t)(count + 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (times == MAP_FAILED || pipe2(gate, O_CLOEXEC) != 0) die("set up");
  double *started = times + count;
  for (int i = 0; i < count; i++) {
    if ((children[i] = fork()) < 0) die("fork");
    if (children[i] > 0) continue;
    char end;
    close(gate[1]);
    /* The gate opens for all when the parent closes it. */
    if (read(gate[0], &end, 1) != 0) die("gate");
    run_chain(argv[1], argv[2], &sandboxes[i], argv + 3, (argc - 3) / 2);
    times[i] = now_us() - *started;
    _exit(0);
  }
  close(gate[0]);
  usleep(5000); /* until all wait at the gate */
  *started = now_us();
  close(gate[1]);
  for (int i = 0; i < count; i++) {
    int status;
    if (waitpid(children[i], &status, 0) != children[i] || status != 0) failed = 1;
  }
  for (int i = 0; i < count && !failed; i++) printf("%.1f\n", times[i]);
  return failed;
}
