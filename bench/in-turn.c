/*
 * in-turn ROUNDS PROGRAM…: starts each program in turn, ROUNDS times, as cheaply as Linux can (posix_spawn), with empty stdin
 * and stdout thrown away. Prints the median of each in microseconds, one a line.
 * A launcher in a language with a runtime would measure its own fork.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int main(int argc, char *argv[]) {
  int rounds = argc > 2 ? atoi(argv[1]) : 0, programs = argc - 2;
  if (rounds <= 0) return fprintf(stderr, "usage: in-turn ROUNDS PROGRAM...\n"), 2;
  double *times = calloc((size_t)(rounds * programs), sizeof *times);
  if (times == NULL) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  for (int round = 0; round < rounds; round++) {
    for (int program = 0; program < programs; program++) {
      char *arguments[] = {argv[program + 2], NULL};
      int status;
      pid_t child;
      double started = now_us();
      if (posix_spawn(&child, arguments[0], &actions, NULL, arguments, environ) != 0) return perror(arguments[0]), 2;
      if (waitpid(child, &status, 0) != child) return perror("waitpid"), 2;
      times[program * rounds + round] = now_us() - started;
      if (status != 0) return fprintf(stderr, "%s ended with status %d\n", arguments[0], status), 1;
    }
  }
  for (int program = 0; program < programs; program++) {
    double *own = times + program * rounds;
    qsort(own, (size_t)rounds, sizeof *own, ascending);
    printf("%.1f\n", own[rounds / 2]);
  }
  return 0;
}
