// Opens network namespaces at paths that a caller gives. A FIFO, a device or a dead file system may be there.

import { closeSync, open, openSync, statfs, statfsSync } from 'node:fs';
import { getSystemErrorMap, promisify } from 'node:util';
import { OrbError } from '#base';
import { type NetworkNamespace, refusal } from '#net';
import { openNamespaceOf } from './namespace.ts';
import { type NetnsHandle, openNetns } from './netns.ts';
import { PathWalks } from './path-walks.ts';

/**
 * fcntl.h: opens only a reference to the path. The file itself is not opened: no device acts, and no FIFO waits for a
 * writer.
 */
const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;
const O_NOFOLLOW = 0o400000;

/**
 * magic.h: NSFS_MAGIC, and PROC_SUPER_MAGIC for kernels before 3.19. containernetworking's pkg/ns accepts the same two.
 */
const namespaceFileSystems = [0x6e736673, 0x9fa0];

/**
 * Where runtimes keep namespaces: containerd and CRI-O in /var/run/netns, Docker below /proc. Other paths are opened
 * too, but by other threads: a mount that hangs must not prevent a runtime's pods from starting.
 */
const USUAL_PLACE = /^(?:(?:\/var)?\/run\/netns\/[^/]+|\/proc\/\d+(?:\/task\/\d+)?\/ns\/net)$/;
/**
 * The pool has 16 threads (main/agent.ts). libuv uses at most half of them to look up host names. Two remain for our
 * files.
 */
const walks = {
  usual: new PathWalks({ threads: 4, patienceMs: 1_000 }),
  other: new PathWalks({ threads: 2, patienceMs: 1_000 }),
};

const openFile = promisify(open);
const statFileSystem = promisify(statfs) as (path: string) => Promise<{ readonly type: number }>;

/**
 * Like {@link openNetns}, for a path that a caller has given. This thread never waits for the file system of the path.
 * The caller closes the handle.
 * @throws OrbError NETNS_INVALID if something else is there, NETNS_UNREACHABLE if the file system does not answer,
 * KERNEL_REFUSED if the kernel does not open the path
 */
export async function openGivenNetns(path: string): Promise<NetnsHandle> {
  const usual = openUsual(path);
  if (usual !== undefined) return usual;
  const place = await (USUAL_PLACE.test(path) ? walks.usual : walks.other).run(
    path,
    () => findPlace(path),
    closePlace,
  );
  try {
    // The file is known to be in nsfs or proc, and the path is not resolved again: this call cannot block.
    return openNetns(`/proc/self/fd/${place}`, path);
  } finally {
    closePlace(place);
  }
}

/** Like {@link openGivenNetns}, but with all operations of a namespace. */
export async function openGivenNamespace(path: string): Promise<NetworkNamespace> {
  return openNamespaceOf(await openGivenNetns(path));
}

/**
 * Opens a namespace where runtimes keep them, on this thread: measured, threads cost a fifth of the ADDs in parallel.
 * No file system that hangs is asked: the folder is of tmpfs or proc, and a link in it is not followed. Undefined where
 * something else than a namespace lies there.
 */
function openUsual(path: string): NetnsHandle | undefined {
  if (!USUAL_PLACE.test(path)) return undefined;
  // The link in proc leads straight to the namespace, whatever its text says (proc(5)).
  const follow = path.startsWith('/proc/') ? 0 : O_NOFOLLOW;
  let place: number;
  try {
    place = openSync(path, O_PATH | O_NONBLOCK | follow);
  } catch {
    return undefined; // The thread that looks next reports it.
  }
  try {
    const { type } = statfsSync(`/proc/self/fd/${place}`);
    return namespaceFileSystems.includes(type) ? openNetns(`/proc/self/fd/${place}`, path) : undefined;
  } finally {
    closePlace(place);
  }
}

/** Whether the path of a caller leads to this namespace. Throws as {@link openGivenNetns}. */
export async function leadsToNetns(path: string, netns: NetnsHandle): Promise<boolean> {
  using given = await openGivenNetns(path);
  return given.id === netns.id;
}

async function findPlace(path: string): Promise<number> {
  const place = await openPlace(path);
  try {
    const { type } = await statFileSystem(`/proc/self/fd/${place}`);
    if (namespaceFileSystems.includes(type)) return place;
    throw invalid(path, `it is in a file system of type 0x${type.toString(16)}, not in nsfs`);
  } catch (error) {
    closePlace(place);
    throw error instanceof OrbError ? error : refused(path, error);
  }
}

/** Never waits: an O_PATH descriptor has no operations of its file system (fs/open.c, do_dentry_open), so nothing is flushed. */
function closePlace(fd: number): void {
  closeSync(fd);
}

async function openPlace(path: string): Promise<number> {
  if (path.includes('\0')) throw invalid(path, 'a path must not contain a NUL byte');
  try {
    return await openFile(path, O_PATH | O_NONBLOCK);
  } catch (error) {
    throw refused(path, error);
  }
}

function invalid(path: string, why: string): OrbError {
  return new OrbError('NETNS_INVALID', {
    message: `${JSON.stringify(path)} is not a network namespace: ${why}`,
    subject: path,
  });
}

function refused(path: string, error: unknown): OrbError {
  const { errno = 0, code = '' } = error as NodeJS.ErrnoException;
  const words = getSystemErrorMap().get(errno)?.[1] ?? String(error);
  return refusal({ doing: `open ${path}`, subject: path, errno: code, words });
}
