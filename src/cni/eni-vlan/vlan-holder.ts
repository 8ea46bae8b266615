// The interface that has a VLAN of a NIC of the node: the kernel has each VLAN of a NIC once, in whichever namespace.

import type { NetworkNamespace } from '#net';
import type { AttachmentRecord, Attachments } from '#node';
import { isInVlan, type SubInterface } from '#plan/eni-vlan';
import { isRecorded, type PodNamespaceParts } from '../pod-namespace.ts';

export interface VlanHolderParts extends PodNamespaceParts {
  readonly attachments: Attachments;
  /** Where namespaces can be opened besides those of records. A namespace may have several paths, or none any more. */
  readonly namespacePaths: () => readonly string[];
}

export interface VlanHolder {
  /** For messages: `interface eth0 of pod default/web in /run/netns/a`. */
  readonly name: string;
  /** That of the pod, if the interface is in a namespace of a pod. */
  readonly record?: AttachmentRecord;
  /** Where the interface can be removed. Undefined on the node. */
  readonly path?: string;
}

/** Undefined if its namespace is just ending, or if nothing but an open file keeps it. */
export async function vlanHolder(
  parts: VlanHolderParts,
  { master, vlanId }: Pick<SubInterface, 'master' | 'vlanId'>,
): Promise<VlanHolder | undefined> {
  const { node, attachments } = parts;
  const masterIndex = node.link(master)?.index;
  const onNode = node
    .links()
    .find(
      (link) => link.vlanId === vlanId && link.linkIndex === masterIndex && link.linkNetnsId === undefined,
    );
  if (onNode !== undefined) return { name: `interface ${onNode.name} of this node` };
  const records = attachments.all();
  const recorded = records.flatMap(({ netns }) => netns?.path ?? []);
  const seen = new Set([node.id]);
  for (const path of new Set([...recorded, ...parts.namespacePaths()])) {
    const namespace = await parts.openNamespace(path).catch(() => undefined); // it is gone
    if (namespace === undefined) continue;
    try {
      if (seen.has(namespace.id)) continue;
      seen.add(namespace.id);
      const link = namespace.links().find((one) => isInVlan(one, vlanId, masterIndex));
      if (link !== undefined) return holderIn(namespace, path, link.name, records);
    } finally {
      namespace.close();
    }
  }
  return undefined;
}

function holderIn(
  namespace: NetworkNamespace,
  path: string,
  interfaceName: string,
  records: readonly AttachmentRecord[],
): VlanHolder {
  const record = records.find(
    ({ netns }) =>
      netns !== undefined && (netns.inode ?? netns.path === path) && isRecorded(namespace, netns),
  );
  const pod = record?.pod;
  const whose = pod === undefined ? '' : ` of pod ${pod.namespace}/${pod.name}`;
  return { name: `interface ${interfaceName}${whose} in ${path}`, path, ...(record && { record }) };
}
