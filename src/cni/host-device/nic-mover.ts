// Takes NICs from the node to pods and back, and keeps in the records where each one is.

import type { NicName } from '#api';
import { type Logger, OrbError } from '#base';
import type { Link, Mac, NetworkNamespace } from '#net';
import {
  type AttachmentRecord,
  type Attachments,
  moveToNode,
  moveToPod,
  partOf,
  seeNode,
  withPart,
} from '#node';
import { aliasOf, attachedTo, chosenNic, nicOfPod, nicWithAlias } from '#plan/host-device';
import type { AttachmentKey } from '#plan/network';
import type { AttachmentCall, PluginCall } from '../plugin.ts';
import { leftNamespace, type PodNamespaceParts, recordedNamespaces } from '../pod-namespace.ts';
import { hostDevicePart, type RecordedLink } from './host-device-record.ts';

export interface NicMoverParts extends PodNamespaceParts {
  readonly attachments: Attachments;
  /** The NICs of a device, by its folder in sysfs. */
  readonly deviceNics: (path: string) => string[];
  /** Resolves when the node has such a link. Rejects when the signal aborts. */
  readonly linkArrives: (isIt: (link: Link) => boolean, signal: AbortSignal) => Promise<Link>;
}

/** How long the kernel may take to give back the NIC of a namespace that has ended. */
const RETURN_TIMEOUT_MS = 5_000;

export class NicMover {
  readonly #parts: NicMoverParts;

  constructor(parts: NicMoverParts) {
    this.#parts = parts;
  }

  /** Moves a NIC that the configuration names. Throws HOST_DEVICE_UNUSABLE. Returns it as it was. */
  async moveNamed(nic: NicName, key: AttachmentKey, pod: NetworkNamespace): Promise<Link> {
    const { attachments, node } = this.#parts;
    const opened = await recordedNamespaces(this.#parts, attachments.all());
    const pods = opened.map(({ namespace }) => namespace);
    try {
      const sight = seeNode(node, pods);
      const link = chosenNic(nic, this.#nicsOf(nic), sight);
      this.#refuseHeld(link, key);
      return await this.#move(link, key, pod);
    } finally {
      for (const one of pods) one.close();
    }
  }

  /** Moves the NIC that the cloud has added with this MAC address. */
  async moveCloudNic(mac: Mac, key: AttachmentKey, pod: NetworkNamespace): Promise<Link> {
    const free = this.#parts.node
      .links()
      .filter((one) => one.mac === mac && one.masterIndex === undefined && one.kind !== 'bridge');
    const link = free.find(({ kind }) => kind === undefined) ?? free[0];
    if (link !== undefined) return await this.#move(link, key, pod);
    const message = `the NIC with MAC address ${mac} is not on this node any more`;
    throw new OrbError('HOST_DEVICE_UNUSABLE', { message, subject: mac });
  }

  async #move(
    link: Link,
    { containerId, interfaceName }: AttachmentKey,
    pod: NetworkNamespace,
  ): Promise<Link> {
    const { attachments, node } = this.#parts;
    const key = { containerId, interfaceName };
    const record = attachments.get(key);
    const part = record && partOf(record, hostDevicePart);
    if (record === undefined || part === undefined)
      throw new OrbError('INTERNAL', { message: `a NIC is moved without a record of ${containerId}` });
    const { name, mac = '', mtuBytes, up, alias } = link;
    const nic: RecordedLink = {
      ...{ name, mac, mtuBytes, up, virtual: link.kind !== undefined },
      ...(alias !== undefined && { alias }),
    };
    await attachments.put(withPart(record, hostDevicePart, { ...part, nic }));
    // Programs of the node, as udev, rename a new NIC.
    const now = node.links().find(({ index, mac: its }) => index === link.index && its === link.mac)?.name;
    moveToPod(node, now ?? name, pod, { name, key });
    return link;
  }

  /** The NIC is on the node again when this resolves, or is gone for ever. */
  async bringBack(record: AttachmentRecord, nic: RecordedLink, { signal, log }: PluginCall): Promise<void> {
    const { node } = this.#parts;
    const own = { name: nic.name, key: record };
    const before = { ...nic, alias: nic.alias };
    const pod = await leftNamespace(this.#parts, record.netns);
    try {
      const inside = pod && nicOfPod(pod.links(), own, nic);
      if (pod !== undefined && inside !== undefined) {
        this.#tellName(moveToNode(pod, inside, node, before), nic.name, log);
        return;
      }
    } finally {
      pod?.close();
    }
    const links = node.links();
    const back = nicWithAlias(links, own);
    if (back !== undefined) return this.#tellName(moveToNode(node, back, node, before), nic.name, log);
    // It never left the node, or the node was started again since.
    if (links.some(({ mac }) => mac === nic.mac)) return;
    const late = nic.virtual ? undefined : await this.#returned(aliasOf(own), signal);
    if (late !== undefined) this.#tellName(moveToNode(node, late, node, before), nic.name, log);
    else log.warn({ nic: nic.name, mac: nic.mac }, 'the NIC of the pod has not come back: it is gone');
  }

  /** For a DEL without a record. Nothing but name and namespace is known. */
  async bringBackByAlias(environment: AttachmentCall['environment'], log: Logger): Promise<void> {
    const { node } = this.#parts;
    const pod = await leftNamespace(this.#parts, undefined, environment.netns);
    try {
      for (const from of [...(pod === undefined ? [] : [pod]), node]) {
        for (const link of from.links()) {
          const at = attachedTo(link.alias);
          if (at === undefined || link.alias !== aliasOf({ name: at.name, key: environment })) continue;
          const before = { ...at, mac: link.mac ?? '', mtuBytes: link.mtuBytes, up: false, alias: undefined };
          this.#tellName(moveToNode(from, link, node, before), at.name, log);
        }
      }
    } finally {
      pod?.close();
    }
  }

  /** The kernel gives it back some time after the last process of the namespace has ended. */
  async #returned(alias: string, signal: AbortSignal): Promise<Link | undefined> {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(RETURN_TIMEOUT_MS)]);
    try {
      return await this.#parts.linkArrives((link) => link.alias === alias, ended);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  #tellName(now: string, name: string, log: Logger): void {
    if (now === name) log.info({ nic: name }, 'the NIC of the pod is on the node again');
    else log.warn({ nic: name, now }, 'another link of the node has the name of the NIC that came back');
  }

  #nicsOf({ key, value }: NicName): string[] {
    if (key === 'kernelpath') return this.#parts.deviceNics(value);
    return key === 'pciBusID' ? this.#parts.deviceNics(`/sys/bus/pci/devices/${value}`) : [];
  }

  /** Between its record and its move, a NIC is on the node still. */
  #refuseHeld({ name, mac }: Link, key: AttachmentKey): void {
    const holder = this.#parts.attachments.all().find((record) => {
      const nic = partOf(record, hostDevicePart)?.nic;
      const isOwn = record.containerId === key.containerId && record.interfaceName === key.interfaceName;
      return !isOwn && nic?.name === name && nic.mac === mac;
    });
    if (holder === undefined) return;
    const message = `NIC ${name} of this node is given to interface ${holder.interfaceName} of container ${holder.containerId}`;
    throw new OrbError('HOST_DEVICE_UNUSABLE', { message, subject: name });
  }
}
