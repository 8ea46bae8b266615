// The record with which the ADD of a main plugin begins.

import type { NetworkNamespace } from '#net';
import type { AttachmentRecord, Attachments } from '#node';
import type { NetnsCall } from './plugin.ts';
import { podIfKnown } from './pod-identity.ts';
import { recordedNetns } from './pod-namespace.ts';

export interface AttachmentStartParts {
  readonly attachments: Attachments;
  /** RFC 3339. */
  readonly timestamp: () => string;
}

/** What an earlier plugin has recorded of the attachment, or a new record, with the namespace of this ADD. */
export function startedRecord(
  call: NetnsCall,
  namespace: NetworkNamespace,
  { attachments, timestamp }: AttachmentStartParts,
): AttachmentRecord {
  const { containerId, interfaceName } = call.environment;
  const key = { containerId, interfaceName };
  const { podNamespace, podName: name, podUid: uid } = podIfKnown(call.environment);
  const isKnown = podNamespace !== undefined && name !== undefined && uid !== undefined;
  const record: AttachmentRecord = attachments.get(key) ?? {
    ...{ version: 1, ...key, network: call.conf.name, createdAt: timestamp() },
    ...(isKnown && { pod: { namespace: podNamespace, name, uid } }),
  };
  return { ...record, netns: recordedNetns(call.netns, namespace) };
}
