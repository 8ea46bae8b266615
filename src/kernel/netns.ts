// Network namespaces as handles, and the window in which this thread stands inside one.

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
} from './ffi/libc.ts';

/** What a function may return that must not wait: anything but a promise. */
export type Sync<T> = T extends PromiseLike<unknown> ? never : T;

const ownNetns = '/proc/thread-self/ns/net';

/** An open network namespace: it lives at least as long as this handle. */
export class NetnsHandle {
  readonly fd: number;
  /** The path it was opened by, for messages. */
  readonly path: string;
  /** Device and inode: the same for every handle of one namespace. */
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
 * Opens the namespace that `path` names; `current` is the one this process lives in. For paths that a caller names there is
 * openGivenNetns.
 * @param name the path as messages are to show it
 */
export function openNetns(path: string, name = path): NetnsHandle {
  const file = path === 'current' ? ownNetns : path;
  return new NetnsHandle(openForReading(file), name);
}

/** Whether two handles are of one namespace. */
export function sameNetns(a: NetnsHandle, b: NetnsHandle): boolean {
  return a.id === b.id;
}

// A fact about the process, not about any object: libuv's thread pool is made once and for all threads to
// come inherit the namespace of the thread that starts them (setns(2) acts on one thread).
const threads: { home: number | undefined; away: boolean } = { home: undefined, away: false };

/**
 * Starts libuv's thread pool while everything is still in the process' own namespace. Every program that
 * calls {@link inNetns} awaits this first: a pool born inside a pod's namespace would stay there for good.
 */
export async function primeThreads(): Promise<void> {
  await stat('/');
  assertThreadsAtHome();
  threads.home ??= openForReading(ownNetns);
}

/** Throws INTERNAL when any thread of this process is in another network namespace than the main thread. */
export function assertThreadsAtHome(): void {
  const home = statSync(ownNetns, { bigint: true }).ino;
  for (const task of readdirSync('/proc/self/task')) {
    const there = statSync(`/proc/self/task/${task}/ns/net`, { bigint: true, throwIfNoEntry: false });
    if (there === undefined || there.ino === home) continue;
    const message = `thread ${task} is in network namespace ${there.ino}, the process in ${home}`;
    throw new OrbError('INTERNAL', { message });
  }
}

/**
 * Runs `fn` with this thread inside the namespace. Only open sockets, or read and write sysctls there: a socket
 * stays in the namespace it was opened in, so that all later work with it is done from outside.
 */
export function inNetns<T>(netns: NetnsHandle, fn: () => Sync<T>): T {
  const { home } = threads;
  if (home === undefined) {
    throw new OrbError('INTERNAL', {
      message: 'inNetns was called before primeThreads: await it at program start',
    });
  }
  if (threads.away) throw new OrbError('INTERNAL', { message: 'inNetns was called inside of inNetns' });
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

/** Back home, or the end: running on in a pod's namespace would be worse than a crash. */
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

/** A new network namespace without a name: it goes away with the last handle and process in it. */
export function makeNetns(): NetnsHandle {
  return inOwnNetns(() => {
    unshareNetworkNamespace();
    return openNetns(ownNetns);
  });
}

/** A new network namespace bound at `path`, as `ip netns add` makes it. */
export function createNetns(path: string): NetnsHandle {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  try {
    inOwnNetns(() => {
      unshareNetworkNamespace();
      bindMount(ownNetns, path);
    });
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
  return openNetns(path);
}

/** Takes the name away; the namespace goes with its last user. */
export function removeNetns(path: string): void {
  detachMount(path);
  unlinkSync(path);
}

/** Like {@link inNetns}, entered by what `fn` does first. */
function inOwnNetns<T>(fn: () => Sync<T>): T {
  using home = openNetns('current');
  return inNetns(home, fn);
}
