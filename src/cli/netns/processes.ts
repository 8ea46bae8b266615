// The processes of this machine, each with its network namespace, as /proc shows them.

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  /** The program, as the kernel calls it (proc_pid_comm(5)). */
  readonly command: string;
  /** The inode of its network namespace. */
  readonly netns: number;
}

/** Those that this process may look at. */
export function allProcesses(): Process[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => processWith(Number(pid)) ?? []);
}

/** Undefined if there is none, if it ends now, or if the system hides it from root too. */
export function processWith(pid: number): Process | undefined {
  return ifThere(() => {
    const netns = /^net:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1];
    const command = readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
    return { pid, command, netns: Number(netns) };
  });
}

/** The inode of the namespace that is mounted at a path; undefined if there is none any more. */
export function netnsAt(path: string): number | undefined {
  return ifThere(() => statSync(path).ino);
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return undefined;
    throw error;
  }
}
