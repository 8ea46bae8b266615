// How the addresses of a NIC go back to their source: after an ADD that failed, at DEL, and at GC.

import { type AttachmentRecord, type Attachments, ipamPart } from '#node';
import type { AttachmentCall, PluginCall } from '../plugin.ts';
import { podIfKnown } from '../pod-identity.ts';
import type { AddressSources } from './address-sources.ts';
import type { Ipam, ReleaseRequest } from './ipam.ts';
import { heldAddresses, type RecordedPod } from './ipam-record.ts';

/** A release that takes longer is left to the DEL. */
const AFTER_FAILED_ADD_MS = 5_000;

/**
 * All sandboxes of a pod on this node have the same addresses, and the newest one holds them. It is usually the last to
 * go, but a runtime may have given up on it while an older one lives. Then the older one holds them again.
 */
export class AddressReturns {
  readonly #sources: AddressSources;
  readonly #attachments: Attachments;

  constructor(sources: AddressSources, attachments: Attachments) {
    this.#sources = sources;
    this.#attachments = attachments;
  }

  /**
   * Releases what this ADD has allocated, even if its caller has disconnected. What an older sandbox of the pod has, the
   * ADD has not allocated.
   */
  async afterFailedAdd(pod: RecordedPod, call: AttachmentCall): Promise<void> {
    const { containerId, interfaceName } = call.environment;
    const intended = this.#attachments.get({ containerId, interfaceName });
    const held = intended === undefined ? [] : heldAddresses(intended);
    const others = this.#holding(pod.uid, this.#sources.typeOf());
    if (others.some((other) => other.containerId !== containerId)) return;
    const share = { nic: others.length === 0 ? undefined : interfaceName, held };
    const signal = AbortSignal.timeout(AFTER_FAILED_ADD_MS);
    await release(this.#sources.own, pod, share, { ...call, signal });
    // Another pod may get the planned addresses now, so a later DEL must not name them again.
    if (intended !== undefined && held.length > 0) await this.#attachments.removePart(intended, ipamPart);
  }

  /**
   * A record that a newer sandbox of its pod has superseded owns no addresses. An agent may have died before it recorded
   * that. Then the last sandbox to be removed releases the addresses.
   */
  async ofRecord(record: AttachmentRecord, call: PluginCall): Promise<void> {
    const { pod } = record;
    if (pod !== undefined && record.supersededBy === undefined) {
      const others = this.#holding(pod.uid, this.#sources.typeOf(record)).filter((other) => other !== record);
      const isShared = others.some(({ containerId }) => containerId !== record.containerId);
      if (!isShared && !(await this.#leftToOlder(record, pod.uid))) {
        // The last NIC also releases what was allocated for NICs that were never attached.
        const nic = others.length === 0 ? undefined : record.interfaceName;
        await release(this.#sources.of(record), pod, { nic, held: heldAddresses(record) }, call);
      }
    }
    await this.#attachments.removePart(record, ipamPart);
  }

  /** Whether an older sandbox of the pod is left. It holds the addresses from now on. */
  async #leftToOlder(record: AttachmentRecord, podUid: string): Promise<boolean> {
    const older = this.#allocated(podUid, this.#sources.typeOf(record))
      .filter(({ containerId }) => containerId !== record.containerId)
      .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0];
    if (older === undefined) return false;
    await this.#attachments.reinstate(older.containerId);
    return true;
  }

  /** The DEL was already served, or the agent died between allocation and record, or the record was damaged. */
  async withoutRecord(call: AttachmentCall): Promise<void> {
    const { containerId, interfaceName } = call.environment;
    const { podNamespace: namespace, podName: name, podUid } = podIfKnown(call.environment);
    if (namespace === undefined || name === undefined || podUid === undefined) return;
    const source = this.#sources.own;
    const uid = await source.ownerUid({ namespace, name, uid: podUid }, call.signal);
    const others = this.#holding(uid, this.#sources.typeOf());
    if (others.some((other) => other.containerId !== containerId || other.interfaceName === interfaceName))
      return;
    const share = { nic: others.length === 0 ? undefined : interfaceName, held: [] };
    await release(source, { namespace, name, uid }, share, call);
  }

  /** The pod's attachments that are known to hold addresses of a source. */
  #holding(podUid: string, sourceType: string): AttachmentRecord[] {
    return this.#allocated(podUid, sourceType).filter(({ supersededBy }) => supersededBy === undefined);
  }

  /** The same, and those of older sandboxes. */
  #allocated(podUid: string, sourceType: string): AttachmentRecord[] {
    return this.#attachments
      .ofPod(podUid)
      .filter((record) => record.ipam?.state === 'done' && this.#sources.typeOf(record) === sourceType);
  }
}

function release(
  source: Ipam,
  pod: RecordedPod,
  share: Pick<ReleaseRequest, 'nic' | 'held'>,
  { signal, log }: PluginCall,
): Promise<void> {
  return source.release({
    podNamespace: pod.namespace,
    podName: pod.name,
    podUid: pod.uid,
    ...share,
    signal,
    log,
  });
}
