// CNI type `eni-vlan`: a main plugin. It gives a pod a VLAN on a NIC of the node. The source of addresses chooses VLAN and
// MAC address of each pod, as for a sub-interface of the VM's NIC in a cloud.

import { type CniResult, type EniVlanConf, parseEniVlanConf, prevResultOf } from '#api';
import { OrbError } from '#base';
import type { Link, NetworkNamespace } from '#net';
import { type AttachmentRecord, type Attachments, partOf, withPart } from '#node';
import { differencesOf, plannedSubInterface } from '#plan/eni-vlan';
import { missingOf, nicChanges } from '#plan/host-device';
import type { AttachmentKey } from '#plan/network';
import { startedRecord } from '../attachment-start.ts';
import { collectGarbage } from '../collection.ts';
import { type Allocation, type IpamParts, IpamPlugin, releasingIpam, requireIpam } from '../ipam/index.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { addedNamespace, leftNamespace } from '../pod-namespace.ts';
import { type EniVlanRecord, eniVlanPart } from './eni-vlan-record.ts';
import { SubInterfaceMaker, type SubInterfaceMakerParts } from './sub-interface-maker.ts';

export interface EniVlanParts extends IpamParts, SubInterfaceMakerParts {
  readonly attachments: Attachments;
}

/** An undo that takes longer is left to the DEL. */
const UNDO_TIMEOUT_MS = 10_000;

export class EniVlanPlugin implements CniPlugin {
  readonly #parts: EniVlanParts;
  readonly #maker: SubInterfaceMaker;

  constructor(parts: EniVlanParts) {
    this.#parts = parts;
    this.#maker = new SubInterfaceMaker(parts);
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const conf = parseEniVlanConf(call.conf);
    const addressesOf = requireIpam(call.conf, this.#parts);
    const before = this.#partOf(keyOf(call));
    if (before?.state === 'done') {
      await this.check({ ...call, conf: { ...call.conf, prevResult: before.result } });
      return before.result as CniResult;
    }
    if (before !== undefined) await this.#startAgain(call, before, addressesOf);
    const pod = await this.#parts.openNamespace(call.netns);
    try {
      refuseTaken(pod, call);
      this.#maker.master(conf.master);
      const record = startedRecord(call, pod, this.#parts);
      const intended: EniVlanRecord = { state: 'intended', result: {}, addressesOf };
      await this.#parts.attachments.put(withPart(record, eniVlanPart, intended));
      return await this.#attach(call, conf, pod, addressesOf);
    } catch (error) {
      await this.#undo(call);
      throw error;
    } finally {
      pod.close();
    }
  }

  /** An agent that died has left it half done. The source gives the pod the same addresses again, unless it is another source. */
  #startAgain(call: NetnsCall, { addressesOf }: EniVlanRecord, now: string): Promise<void> {
    return addressesOf === now ? this.#removeInterface(keyOf(call), call.netns) : this.del(call);
  }

  /** The source chooses addresses and VLAN; then the interface is made, and then the addresses are probed on it. */
  async #attach(
    call: NetnsCall,
    conf: EniVlanConf,
    pod: NetworkNamespace,
    addressesOf: string,
  ): Promise<CniResult> {
    const { node } = this.#parts;
    const key = keyOf(call);
    const ipam = new IpamPlugin(addressesOf, {
      ...this.#parts,
      parentNetworks: () => node.addresses({ dev: conf.master }).map(({ address }) => address),
      meetDemand: (allocation) => this.#makeInterface(call, conf, pod, allocation),
    });
    const given = await ipam.add(call);
    call.signal.throwIfAborted();
    pod.change(nicChanges(key.interfaceName, given));
    const link = requireLink(pod, key.interfaceName);
    const result = resultOf(call, link, given, conf);
    await this.#update(key, ({ link: made, ...part }) => ({
      ...{ ...part, state: 'done', result },
      ...(made !== undefined && { link: { ...made, mac: link.mac, mtuBytes: link.mtuBytes } }),
    }));
    return result;
  }

  /** After a conflict, the source may have chosen another VLAN. */
  async #makeInterface(
    call: NetnsCall,
    { master: name, mtu }: EniVlanConf,
    pod: NetworkNamespace,
    { link: demand }: Allocation,
  ): Promise<void> {
    const key = keyOf(call);
    const wanted = plannedSubInterface({ master: this.#maker.master(name), mtu, demand });
    await this.#maker.remove(pod, key, this.#partOf(key)?.link);
    await this.#update(key, (part) => ({ ...part, link: wanted }));
    await this.#maker.make(pod, key, wanted, call);
  }

  /** The interface goes first: it needs nobody but the node. */
  async del(call: AttachmentCall): Promise<void> {
    const key = keyOf(call);
    const record = this.#parts.attachments.get(key);
    await this.#removeInterface(key, call.environment.netns);
    await releasingIpam(call.conf, record, this.#parts)?.del(call);
    await this.#forget(key);
  }

  async check(call: NetnsCall): Promise<void> {
    const key = keyOf(call);
    if (prevResultOf(call.conf) === undefined) {
      throw new OrbError('INPUT_INVALID', {
        message: 'prevResult is missing; CHECK needs the result of ADD',
        subject: 'network configuration',
      });
    }
    const record = this.#parts.attachments.get(key);
    const part = record && partOf(record, eniVlanPart);
    if (part?.state !== 'done' || part.link === undefined) {
      throw new OrbError('CNI_CHECK_FAILED', {
        message: `no VLAN is recorded for interface ${key.interfaceName} of container ${key.containerId}`,
      });
    }
    const pod = await addedNamespace(this.#parts, record?.netns, call.netns);
    try {
      const wrong = this.#differences(pod, key.interfaceName, part);
      if (wrong.length > 0) {
        throw new OrbError('CNI_CHECK_FAILED', {
          message: wrong.join('; '),
          subject: `interface ${key.interfaceName}`,
        });
      }
    } finally {
      pod.close();
    }
    await releasingIpam(call.conf, record, this.#parts)?.check(call);
  }

  #differences(pod: NetworkNamespace, name: string, { link: made, result }: EniVlanRecord): string[] {
    const link = pod.link(name);
    if (link === undefined || made === undefined) return [`interface ${name} is missing`];
    const has = { addresses: pod.addresses({ dev: name }), routes: pod.routes() };
    return [
      ...differencesOf(link, made, this.#parts.node.link(made.master)?.index),
      ...missingOf(name, result as CniResult, has),
    ];
  }

  async gc(call: PluginCall): Promise<void> {
    const { attachments } = this.#parts;
    await collectGarbage(call, attachments, eniVlanPart, async (record) => {
      await this.#removeInterface(record);
      const now = attachments.get(record);
      if (now?.ipam !== undefined) await releasingIpam(call.conf, now, this.#parts)?.remove(now, call);
      await this.#forget(record);
    });
  }

  async status({ conf }: PluginCall): Promise<void> {
    await new IpamPlugin(requireIpam(conf, this.#parts), this.#parts).status();
  }

  /** A namespace that is gone has taken the interface along. */
  async #removeInterface(key: AttachmentKey, netns?: string): Promise<void> {
    const record = this.#parts.attachments.get(key);
    const pod = await leftNamespace(this.#parts, record?.netns, netns ?? record?.netns?.path);
    try {
      if (pod !== undefined) await this.#maker.remove(pod, key, this.#partOf(key)?.link);
    } finally {
      pod?.close();
    }
  }

  #partOf(key: AttachmentKey): EniVlanRecord | undefined {
    const record = this.#parts.attachments.get(key);
    return record && partOf(record, eniVlanPart);
  }

  async #update(key: AttachmentKey, change: (part: EniVlanRecord) => EniVlanRecord): Promise<void> {
    const record = this.#parts.attachments.get(key);
    const part = record && partOf(record, eniVlanPart);
    if (record === undefined || part === undefined)
      throw new OrbError('INTERNAL', { message: `there is no record of container ${key.containerId}` });
    await this.#parts.attachments.put(withPart(record, eniVlanPart, change(part)));
  }

  async #forget(key: AttachmentKey): Promise<void> {
    const record: AttachmentRecord | undefined = this.#parts.attachments.get(key);
    if (record !== undefined) await this.#parts.attachments.removePart(record, eniVlanPart);
  }

  /** After a failure. What fails here is left to the DEL, which the runtime sends. */
  async #undo(call: NetnsCall): Promise<void> {
    const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
    await this.del({ ...call, signal }).catch((error: unknown) => {
      call.log.warn({ err: error }, 'what a failed ADD has made is removed by the DEL');
    });
  }
}

const keyOf = ({ environment: { containerId, interfaceName } }: AttachmentCall): AttachmentKey => ({
  ...{ containerId, interfaceName },
});

function refuseTaken(pod: NetworkNamespace, { environment: { interfaceName }, netns }: NetnsCall): void {
  if (pod.link(interfaceName) === undefined) return;
  throw new OrbError('INPUT_INVALID', {
    message: `CNI_IFNAME: interface ${interfaceName} is in ${netns} already`,
    subject: 'CNI_IFNAME',
  });
}

function requireLink(pod: NetworkNamespace, name: string): Link {
  const link = pod.link(name);
  if (link !== undefined) return link;
  throw new OrbError('INTERNAL', { message: `interface ${name} is gone although it was just made` });
}

function resultOf(call: NetnsCall, link: Link, given: CniResult, conf: EniVlanConf): CniResult {
  const { name, mac, mtuBytes: mtu } = link;
  const dns = Object.keys(given.dns ?? {}).length > 0 ? given.dns : conf.dns;
  return {
    ...given,
    interfaces: [{ name, ...(mac !== undefined && { mac }), mtu, sandbox: call.netns }],
    ips: (given.ips ?? []).map((ip) => ({ ...ip, interface: 0 })),
    ...(dns !== undefined && { dns }),
  };
}
