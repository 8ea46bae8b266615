// GC (CNI specification 1.1): removes the attachments of a network that the runtime does not list. It continues after
// errors.

import { OrbError } from '#base';
import { type AttachmentRecord, type Attachments, partOf, type RecordPart } from '#node';
import type { PluginCall } from './plugin.ts';

/**
 * Calls `remove` for every attachment of the network that has the plugin's part and is not in
 * `cni.dev/valid-attachments`.
 * Starts no removal after the signal has aborted: the agent then serves other requests, also of these pods.
 * @throws OrbError GC_INCOMPLETE with the texts of all errors, after all attachments were tried
 */
export async function collectGarbage(
  { conf, signal }: Pick<PluginCall, 'conf' | 'signal'>,
  attachments: Attachments,
  part: RecordPart,
  remove: (record: AttachmentRecord) => Promise<void>,
): Promise<void> {
  const valid = new Set(
    (conf['cni.dev/valid-attachments'] ?? []).map(({ containerID, ifname }) => `${containerID}/${ifname}`),
  );
  const failures: unknown[] = [];
  for (const listed of attachments.all()) {
    // A removal may change the other sandboxes of its pod.
    const record = attachments.get(listed);
    if (record === undefined || record.network !== conf.name || partOf(record, part) === undefined) continue;
    if (valid.has(`${record.containerId}/${record.interfaceName}`)) continue;
    signal.throwIfAborted();
    try {
      await remove(record);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  throw new OrbError('GC_INCOMPLETE', {
    message: `${failures.length} attachments of network ${conf.name} could not be removed`,
    subject: `network ${conf.name}`,
    said: failures
      .map((failure) => (failure instanceof Error ? failure.message : String(failure)))
      .join('; '),
    cause: new AggregateError(failures),
  });
}
