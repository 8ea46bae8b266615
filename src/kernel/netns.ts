// Network namespaces as handles, and functions that run with this thread inside one.

import { fstatSync, mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OrbError } from '#base';
import {
  abortProcess,
  bindMount,
  closeFd,
  detachMount,
  enterNetworkNamespace,
  openForReading,
  unshareNetworkNamespace,
} from './ffi/index.ts';

/** The result of a function that must not wait: anything except a promise. */
export type Sync<T> = T extends PromiseLike<unknown> ? never : T;

const OWN_NETNS = '/proc/thread-self/ns/net';

/** An open network namespace. It exists at least as long as this handle. */
export class NetnsHandle {
  readonly fd: number;
  /** The path with which it was opened, for messages. */
  readonly path: string;
  /** Device and inode. They are the same for every handle of one namespace. */
  readonly id: string;
  #open = true;

  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
    const { dev, ino } = fstatSync(fd, { bigint: true });
    this.id = `${dev}:${ino}`;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens the namespace at `path`. `current` is the namespace of this process. For paths that a caller gives, use
 * openGivenNetns.
 * @param name the path as messages show it
 */
export function openNetns(path: string, name = path): NetnsHandle {
  const file = path === 'current' ? OWN_NETNS : path;
  return new NetnsHandle(openForReading(file), name);
}

// This is state of the process, not of an object. libuv makes its thread pool once. New threads inherit the namespace
// of the thread that starts them (setns(2) acts on one thread).
const threads: { home: number | undefined; away: boolean } = { home: undefined, away: false };

/**
 * Starts libuv's thread pool while all threads are in the process' own namespace. Every program that calls {@link
 * inNetns} must await this first. A pool that starts inside a pod's namespace would stay there for ever.
 */
export async function primeThreads(): Promise<void> {
  await stat('/');
  assertThreadsAtHome();
  threads.home ??= openForReading(OWN_NETNS);
}

/** Throws INTERNAL if any thread of this process is in another network namespace than the main thread. */
export function assertThreadsAtHome(): void {
  const home = statSync(OWN_NETNS, { bigint: true }).ino;
  for (const task of readdirSync('/proc/self/task')) {
    const there = statSync(`/proc/self/task/${task}/ns/net`, { bigint: true, throwIfNoEntry: false });
    if (there === undefined || there.ino === home) continue;
    const message = `thread ${task} is in network namespace ${there.ino}, the process in ${home}`;
    throw new OrbError('INTERNAL', { message });
  }
}

/**
 * Runs `fn` with this thread inside the namespace. In `fn`, only open sockets, or read and write sysctls. A socket
 * stays in the namespace in which it was opened, so all later work with it is done from outside.
 */
export function inNetns<T>(netns: NetnsHandle, fn: () => Sync<T>): T {
  const { home } = threads;
  if (home === undefined) {
    throw new OrbError('INTERNAL', {
      message: 'inNetns was called before primeThreads: await primeThreads at program start',
    });
  }
  if (threads.away) throw new OrbError('INTERNAL', { message: 'inNetns was called inside inNetns' });
  enterNetworkNamespace(netns.fd, netns.path);
  threads.away = true;
  return refusePromise(runThenLeave(fn, home));
}

function runThenLeave<T>(fn: () => Sync<T>, home: number): T {
  try {
    return fn();
  } finally {
    leave(home);
  }
}

/**
 * Returns to the home namespace, or aborts the process: to continue in a pod's namespace would be worse than a crash.
 */
function leave(home: number): void {
  try {
    enterNetworkNamespace(home, 'of this process');
    threads.away = false;
  } catch {
    abortProcess();
  }
}

function refusePromise<T>(result: T): T {
  if (typeof (result as { then?: unknown } | null | undefined)?.then !== 'function') return result;
  throw new OrbError('INTERNAL', { message: 'the function given to inNetns returned a promise' });
}

/** A new network namespace without a name. It ends with its last handle and its last process. */
export function makeNetns(): NetnsHandle {
  return inOwnNetns(() => {
    unshareNetworkNamespace();
    return openNetns(OWN_NETNS);
  });
}

/** A new network namespace, mounted at `path` as `ip netns add` does it. */
export function createNetns(path: string): NetnsHandle {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  try {
    inOwnNetns(() => {
      unshareNetworkNamespace();
      bindMount(OWN_NETNS, path);
    });
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
  return openNetns(path);
}

/** Removes the name. The namespace ends with its last user. */
export function removeNetns(path: string): void {
  detachMount(path);
  unlinkSync(path);
}

/** Like {@link inNetns}, but `fn` itself enters the namespace with its first call. */
function inOwnNetns<T>(fn: () => Sync<T>): T {
  using home = openNetns('current');
  return inNetns(home, fn);
}
