// The namespace of a pod, found by a path. The path may lead to another namespace by now: `/proc/PID/ns/net` after the
// process number was reused.

import { isOrbError, OrbError } from '#base';
import { errnoOf, type NetworkNamespace } from '#net';
import type { AttachmentRecord } from '#node';

/** What is needed to find the namespace. */
export interface PodNamespaceParts {
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
}

/** The namespace in which the attachment was added, from its record. Records of earlier versions have no inode. */
export type RecordedNetns = AttachmentRecord['netns'];

/** The namespace in the form of the record. */
export function recordedNetns(path: string, namespace: NetworkNamespace): NonNullable<RecordedNetns> {
  return { path, inode: inodeOf(namespace) };
}

/**
 * For DEL. Undefined if the namespace is gone, together with everything of ours in it. The path may now lead to the
 * node's namespace, where our objects serve every pod, or to another pod's. Nothing is changed there.
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

/** The namespaces of these attachments that are left and can be opened, each once. The caller closes them. */
export async function recordedNamespaces(
  parts: PodNamespaceParts,
  records: readonly AttachmentRecord[],
): Promise<{ readonly path: string; readonly namespace: NetworkNamespace }[]> {
  const byPath = new Map(records.map(({ netns }) => [netns?.path, netns]));
  const opened = await Promise.all(
    [...byPath].map(async ([path = '', netns]) => {
      const namespace = await leftNamespace(parts, netns).catch(() => undefined);
      return namespace === undefined ? [] : [{ path, namespace }];
    }),
  );
  return opened.flat();
}

/** Whether {@link leftNamespace} finds one. Throws if that cannot be seen. */
export async function isNamespaceLeft(parts: PodNamespaceParts, recorded: RecordedNetns): Promise<boolean> {
  const namespace = await leftNamespace(parts, recorded);
  namespace?.close();
  return namespace !== undefined;
}

/**
 * For CHECK. Throws CNI_CHECK_FAILED if the path leads to another namespace than at ADD. The caller closes the
 * namespace.
 */
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

/** Whether this is the namespace in which the attachment was added. */
export function isRecorded(namespace: Pick<NetworkNamespace, 'id'>, recorded: RecordedNetns): boolean {
  return recorded?.inode === undefined || recorded.inode === inodeOf(namespace);
}

/**
 * Whether opening a namespace failed because there is none at that path. The path may not exist. Or it may lead to
 * something else, such as the file that was the mount point.
 */
export function isGone(error: unknown): boolean {
  return isOrbError(error, 'NETNS_INVALID') || nowhere.includes(errnoOf(error) ?? '');
}

/** ENOTCONN and ESTALE mean a mount whose server has died. */
const nowhere = ['ENOENT', 'ENOTDIR', 'EINVAL', 'ENAMETOOLONG', 'ELOOP', 'ENOTCONN', 'ESTALE'];

/** The id is `device:inode`. All namespaces are on one device (fs/nsfs.c). */
function inodeOf({ id }: Pick<NetworkNamespace, 'id'>): number {
  return Number(id.split(':').at(-1));
}
