// The namespace of a pod, by a path that may be somebody else's by now: `/proc/PID/ns/net` of a process number that is in use again.

import { isOrbError, OrbError } from '#base';
import { errnoOf, type NetworkNamespace } from '#net';
import type { AttachmentRecord } from '#node';

/** What is needed to find it. */
export interface PodNamespaceParts {
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
}

/** Where the attachment was added, as its record says; records of earlier versions have no inode. */
export type RecordedNetns = AttachmentRecord['netns'];

/** For the record. */
export function recordedNetns(path: string, namespace: NetworkNamespace): NonNullable<RecordedNetns> {
  return { path, inode: inodeOf(namespace) };
}

/**
 * For DEL: undefined where the namespace is gone, and with it everything of ours in it. The path may lead elsewhere by now: to the node's
 * namespace, where our objects serve every pod, or to another pod's. Nothing is touched there.
 */
export async function leftNamespace(
  { openNamespace, node }: PodNamespaceParts,
  recorded: RecordedNetns,
  path = recorded?.path,
): Promise<NetworkNamespace | undefined> {
  if (path === undefined) return undefined;
  try {
    const there = await openNamespace(path);
    if (there.id !== node.id && isRecorded(there, recorded)) return there;
    there.close();
    return undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** For CHECK: throws CNI_CHECK_FAILED where the path leads elsewhere than at ADD. The caller closes it. */
export async function addedNamespace(
  { openNamespace }: PodNamespaceParts,
  recorded: RecordedNetns,
  path: string,
): Promise<NetworkNamespace> {
  const there = await openNamespace(path);
  if (isRecorded(there, recorded)) return there;
  there.close();
  throw new OrbError('CNI_CHECK_FAILED', {
    message: `CNI_NETNS ${path} is not the network namespace that the interface was added in`,
    subject: path,
  });
}

/** Whether it is the namespace that the attachment was added in. */
export function isRecorded(namespace: Pick<NetworkNamespace, 'id'>, recorded: RecordedNetns): boolean {
  return recorded?.inode === undefined || recorded.inode === inodeOf(namespace);
}

/**
 * Whether opening a namespace failed because there is none at that path. Something else lies there, such as the file that was its mount
 * point, or the path leads nowhere.
 */
export function isGone(error: unknown): boolean {
  return isOrbError(error, 'NETNS_INVALID') || nowhere.includes(errnoOf(error) ?? '');
}

/** ENOTCONN and ESTALE: of a mount whose server has died. */
const nowhere = ['ENOENT', 'ENOTDIR', 'EINVAL', 'ENAMETOOLONG', 'ELOOP', 'ENOTCONN', 'ESTALE'];

/** Its id is `device:inode`; there is one device of namespaces (fs/nsfs.c). */
function inodeOf({ id }: Pick<NetworkNamespace, 'id'>): number {
  return Number(id.split(':').at(-1));
}
