// The seccomp profile of the agent, made from the system calls that strace saw.

/** The file that a manifest names as `localhostProfile`. */
export const PROFILE_PATH = 'deploy/seccomp/orbweaver-agent.json';

/** The launcher writes it before each agent. */
const NEW_AGENT = 'a new agent';
const EXECUTED = /^\d+ +execve\("\/usr\/bin\/node"/;
const CALL = /^\d+ +([a-z_0-9]+)\(/;

/** What every process may do when it is interrupted, waits for a thread, or ends by a signal: a recording may miss it. */
const always = ['exit', 'exit_group', 'gettid', 'restart_syscall', 'rt_sigreturn', 'sched_yield', 'tgkill'];

/** libuv tries them, and works without. They reach much of the kernel past this filter, so runtimes refuse them, too. */
const refused = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];

/** Calls that other architectures lack, and what their C libraries call instead (asm-generic/unistd.h). */
const generic: Readonly<Record<string, readonly string[]>> = {
  access: ['faccessat'],
  chmod: ['fchmodat'],
  dup2: ['dup3'],
  epoll_create: ['epoll_create1'],
  epoll_wait: ['epoll_pwait'],
  getdents: ['getdents64'],
  link: ['linkat'],
  lstat: ['newfstatat'],
  mkdir: ['mkdirat'],
  open: ['openat'],
  pipe: ['pipe2'],
  poll: ['ppoll'],
  readlink: ['readlinkat'],
  rename: ['renameat', 'renameat2'],
  rmdir: ['unlinkat'],
  stat: ['newfstatat'],
  symlink: ['symlinkat'],
  unlink: ['unlinkat'],
  vfork: ['clone'],
};

/** The calls after the container's runtime has started Node, in what `strace -f` wrote. */
export function callsIn(trace: string): Set<string> {
  const calls = new Set<string>();
  let started = false;
  for (const line of trace.split('\n')) {
    // What the runtime of each agent does before is left out.
    if (line === NEW_AGENT) started = false;
    if (EXECUTED.test(line)) started = true;
    const name = CALL.exec(line)?.[1];
    if (started && name !== undefined) calls.add(name);
  }
  return calls;
}

/** A profile that allows these calls, and answers ENOSYS to others, so that a C library takes an older call instead. */
export function profileOf(calls: ReadonlySet<string>): object {
  const names = new Set([...calls, ...always, ...[...calls].flatMap((name) => generic[name] ?? [])]);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names: [...names].filter((name) => !refused.includes(name)).toSorted(), action: 'SCMP_ACT_ALLOW' },
    ],
  };
}
