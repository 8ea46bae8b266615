// CNI type `host-device-plus`: the main plugin that gives a pod a whole NIC of the node. The NIC is named, or a cloud adds
// it to the node for the pod.

import { type CniResult, type HostDeviceConf, parseHostDeviceConf, prevResultOf } from '#api';
import { OrbError } from '#base';
import type { Link, NetworkNamespace } from '#net';
import { type AttachmentRecord, type Attachments, partOf, withPart } from '#node';
import { missingOf, nicChanges } from '#plan/host-device';
import type { AttachmentKey } from '#plan/network';
import { startedRecord } from '../attachment-start.ts';
import { collectGarbage } from '../collection.ts';
import { type IpamParts, IpamPlugin } from '../ipam/index.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { podIfKnown } from '../pod-identity.ts';
import { addedNamespace } from '../pod-namespace.ts';
import type { CloudNics } from './cloud-nics.ts';
import { type HostDeviceRecord, hostDevicePart } from './host-device-record.ts';
import { NicMover, type NicMoverParts } from './nic-mover.ts';

export interface HostDeviceParts extends IpamParts, NicMoverParts {
  readonly attachments: Attachments;
  readonly cloudNics: CloudNics;
}

export class HostDevicePlugin implements CniPlugin {
  readonly #parts: HostDeviceParts;
  readonly #mover: NicMover;

  constructor(parts: HostDeviceParts) {
    this.#parts = parts;
    this.#mover = new NicMover(parts);
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const conf = parseHostDeviceConf(call.conf);
    const addresses = this.#addressPlugin(conf.from.is === 'node' ? conf.from.addressesOf : undefined);
    const before = partOfCall(this.#parts.attachments, call);
    if (before?.state === 'done') {
      await this.check({ ...call, conf: { ...call.conf, prevResult: before.result } });
      return before.result as CniResult;
    }
    // An agent that died has left it half done.
    if (before !== undefined) await this.del(call);
    const pod = await this.#parts.openNamespace(call.netns);
    try {
      refuseTaken(pod, call);
      await this.#intend(call, conf, pod);
      return await this.#attach(call, conf, pod, addresses);
    } catch (error) {
      await this.#undo(call);
      throw error;
    } finally {
      pod.close();
    }
  }

  async #attach(
    call: NetnsCall,
    { from, mtuBytes }: HostDeviceConf,
    pod: NetworkNamespace,
    addresses: IpamPlugin | undefined,
  ): Promise<CniResult> {
    const own = call.environment;
    if (from.is === 'cloud') {
      const asker = { owner: keyOf(call), pod: podIfKnown(own), signal: call.signal };
      const nic = await this.#parts.cloudNics.take({ ipam: from.ipam, ...asker });
      const link = await this.#mover.moveCloudNic(nic.mac, own, pod);
      return await this.#finish(call, pod, link, nic.result, mtuBytes ?? nic.mtuBytes);
    }
    const link = await this.#mover.moveNamed(from.nic, own, pod);
    const given = (await addresses?.add(call)) ?? {};
    return await this.#finish(call, pod, link, given, mtuBytes);
  }

  /** Gives the NIC its addresses, sets it up, and records the result. */
  async #finish(
    call: NetnsCall,
    pod: NetworkNamespace,
    { deviceName }: Link,
    given: CniResult,
    mtuBytes: number | undefined,
  ): Promise<CniResult> {
    const { interfaceName: name } = call.environment;
    call.signal.throwIfAborted();
    pod.change(nicChanges(name, given, mtuBytes));
    const link = pod.link(name);
    const nic = {
      ...{ name, sandbox: call.netns },
      ...(link?.mac !== undefined && { mac: link.mac }),
      ...(link !== undefined && { mtu: link.mtuBytes }),
      ...(deviceName !== undefined && { pciID: deviceName }),
    };
    const ips = given.ips?.map((ip) => ({ ...ip, interface: 0 }));
    const result = { ...given, interfaces: [nic], ...(ips !== undefined && { ips }) };
    await this.#update(keyOf(call), (part) => ({ ...part, state: 'done', result }));
    return result;
  }

  async del(call: AttachmentCall): Promise<void> {
    const record = this.#parts.attachments.get(call.environment);
    const part = record && partOf(record, hostDevicePart);
    if (record !== undefined && part !== undefined) return this.#remove(record, part, call);
    // The record was lost: the alias of the NIC still says what it was.
    await this.#mover.bringBackByAlias(call.environment, call.log);
    if (isOfCloud(call)) await this.#parts.cloudNics.release(keyOf(call));
  }

  /** The NIC first, so that it is back also if the source of addresses cannot be asked. */
  async #remove(
    record: AttachmentRecord,
    part: HostDeviceRecord,
    call: PluginCall | AttachmentCall,
  ): Promise<void> {
    const { attachments, cloudNics } = this.#parts;
    const { addressesOf, nic, ofCloud } = part;
    if (nic !== undefined) await this.#mover.bringBack(record, nic, call);
    if (addressesOf !== undefined) {
      // If addresses cannot be given back now, another pod may get the NIC before they are.
      if (nic !== undefined) await this.#forgetNic(record, call);
      await this.#giveBackAddresses(addressesOf, record, call);
    }
    if (ofCloud) await cloudNics.release(record);
    await attachments.removePart(record, hostDevicePart);
  }

  /** A full disk is no reason to stop a DEL: it is then repeated with the NIC, which is found where it is. */
  async #forgetNic(key: AttachmentKey, { log }: PluginCall): Promise<void> {
    await this.#update(key, ({ nic: _, ...rest }) => rest).catch((error: unknown) => {
      log.warn({ err: error }, 'could not record that the NIC of a pod is on the node again');
    });
  }

  async #giveBackAddresses(
    type: string,
    key: AttachmentKey,
    call: PluginCall | AttachmentCall,
  ): Promise<void> {
    const plugin = this.#addressPlugin(type);
    if ('environment' in call) return plugin?.del(call);
    const record = this.#parts.attachments.get(key);
    if (record?.ipam !== undefined) await plugin?.remove(record, call);
  }

  async check(call: NetnsCall): Promise<void> {
    const prevResult = prevResultOf(call.conf);
    if (prevResult === undefined) {
      const message = 'prevResult is missing; CHECK needs the result of ADD';
      throw new OrbError('INPUT_INVALID', { message, subject: 'network configuration' });
    }
    const { containerId, interfaceName } = call.environment;
    const record = this.#parts.attachments.get(call.environment);
    const part = record && partOf(record, hostDevicePart);
    if (part?.state !== 'done' || part.nic === undefined) {
      const message = `no NIC is recorded for interface ${interfaceName} of container ${containerId}`;
      throw new OrbError('CNI_CHECK_FAILED', { message });
    }
    const pod = await addedNamespace(this.#parts, record?.netns, call.netns);
    try {
      const missing = missingIn(pod, interfaceName, part.result as CniResult);
      if (missing.length > 0) throw new OrbError('CNI_CHECK_FAILED', { message: missing.join('; ') });
    } finally {
      pod.close();
    }
    await this.#addressPlugin(part.addressesOf)?.check(call);
    if (part.ofCloud) await this.#parts.cloudNics.verify(keyOf(call), call.signal);
  }

  async gc(call: PluginCall): Promise<void> {
    await collectGarbage(call, this.#parts.attachments, hostDevicePart, async (record) => {
      const part = partOf(record, hostDevicePart);
      if (part !== undefined) await this.#remove(record, part, call);
    });
  }

  async status(): Promise<void> {
    const reason = this.#parts.notReady();
    if (reason !== undefined) throw new OrbError('AGENT_NOT_READY', { message: reason });
  }

  /** What the DEL must know if the agent dies now. */
  async #intend(call: NetnsCall, { from }: HostDeviceConf, pod: NetworkNamespace): Promise<void> {
    const { prevResult: _, ...netConf } = call.conf;
    await this.#parts.attachments.put(
      withPart(startedRecord(call, pod, this.#parts), hostDevicePart, {
        ...{ state: 'intended', netConf, result: {}, ofCloud: from.is === 'cloud' },
        ...(from.is === 'node' && from.addressesOf !== undefined && { addressesOf: from.addressesOf }),
      }),
    );
  }

  async #update(key: AttachmentKey, change: (part: HostDeviceRecord) => HostDeviceRecord): Promise<void> {
    const { attachments } = this.#parts;
    const record = attachments.get(key);
    const part = record && partOf(record, hostDevicePart);
    if (record !== undefined && part !== undefined)
      await attachments.put(withPart(record, hostDevicePart, change(part)));
  }

  /** After a failure. What fails here is left to the DEL, which the runtime sends. */
  async #undo(call: NetnsCall): Promise<void> {
    const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
    await this.del({ ...call, signal }).catch((error: unknown) => {
      call.log.warn({ err: error }, 'the NIC of a failed ADD is given back by the DEL');
    });
  }

  /** The plugin that gives addresses: one that this agent serves itself. */
  #addressPlugin(type: string | undefined): IpamPlugin | undefined {
    if (type === undefined) return undefined;
    const { sources } = this.#parts;
    if (sources.has(type)) return new IpamPlugin(type, this.#parts);
    const known = [...sources.keys()].join(', ');
    const message = `network configuration: ipam.type is ${JSON.stringify(type)}, and host-device-plus can ask ${known}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'ipam.type' });
  }
}

const UNDO_TIMEOUT_MS = 10_000;

const keyOf = ({ environment: { containerId, interfaceName } }: AttachmentCall): AttachmentKey => ({
  ...{ containerId, interfaceName },
});

function partOfCall(attachments: Attachments, { environment }: AttachmentCall): HostDeviceRecord | undefined {
  const record = attachments.get(environment);
  return record && partOf(record, hostDevicePart);
}

/** For a DEL without a record: a configuration that is wrong by now says nothing. */
function isOfCloud({ conf }: PluginCall): boolean {
  try {
    return parseHostDeviceConf(conf).from.is === 'cloud';
  } catch {
    return false;
  }
}

function refuseTaken(pod: NetworkNamespace, { environment: { interfaceName }, netns }: NetnsCall): void {
  if (pod.link(interfaceName) === undefined) return;
  const message = `interface ${interfaceName} is in ${netns} already, and is not ours`;
  throw new OrbError('HOST_DEVICE_UNUSABLE', { message, subject: interfaceName });
}

function missingIn(pod: NetworkNamespace, name: string, result: CniResult): string[] {
  const link = pod.link(name);
  if (link === undefined) return [`interface ${name} is missing`];
  const { mac = link.mac } = result.interfaces?.[0] ?? {};
  const has = { addresses: pod.addresses({ dev: name }), routes: pod.routes() };
  return [
    ...(link.up ? [] : [`interface ${name} is down`]),
    ...(link.mac === mac ? [] : [`interface ${name} has MAC address ${link.mac}, and had ${mac}`]),
    ...missingOf(name, result, has),
  ];
}
