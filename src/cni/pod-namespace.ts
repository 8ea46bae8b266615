// The namespace of a pod, by a path that may be somebody else's by now: `/proc/PID/ns/net` of a process number that is in use again.

import { OrbError } from '#base';
import { errnoOf, type NetworkNamespace } from '#net';
import type { AttachmentRecord } from '#node';

/** What is needed to find it. */
export interface PodNamespaceParts {
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => NetworkNamespace;
}

/** Where the attachment was added, as its record says; records of earlier versions have no inode. */
export type RecordedNetns = AttachmentRecord['netns'];

/** For the record. */
export function recordedNetns(path: string, namespace: NetworkNamespace): NonNullable<RecordedNetns> {
  return { path, inode: inodeOf(namespace) };
}

/**
 * For DEL: undefined where the namespace is gone, and everything of ours inside with it. What the path leads to now is left alone when
 * it is not where the attachment was added: the node's namespace, in which ours serves every pod, or another pod's.
 */
export function leftNamespace(
  { openNamespace, node }: PodNamespaceParts,
  recorded: RecordedNetns,
  path = recorded?.path,
): NetworkNamespace | undefined {
  if (path === undefined) return undefined;
  try {
    const there = openNamespace(path);
    if (there.id !== node.id && isRecorded(there, recorded)) return there;
    there.close();
    return undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** For CHECK: throws CNI_CHECK_FAILED where the path leads elsewhere than at ADD. The caller closes it. */
export function addedNamespace(
  { openNamespace }: PodNamespaceParts,
  recorded: RecordedNetns,
  path: string,
): NetworkNamespace {
  const there = openNamespace(path);
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

/** Whether opening a namespace failed because there is none any more: a file that was its mount point gives EINVAL. */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errnoOf(error) ?? '');
}

/** Its id is `device:inode`; there is one device of namespaces (fs/nsfs.c). */
function inodeOf({ id }: Pick<NetworkNamespace, 'id'>): number {
  return Number(id.split(':').at(-1));
}
