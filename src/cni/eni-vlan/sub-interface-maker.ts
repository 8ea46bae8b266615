// Makes the VLAN of a pod in its namespace, and removes it.

import { setTimeout as sleep } from 'node:timers/promises';
import { OrbError } from '#base';
import { errnoOf, type Link, type NetworkNamespace } from '#net';
import type { AttachmentRecord } from '#node';
import { linksOfAttachment, type SubInterface, subInterfaceAlias, temporaryName } from '#plan/eni-vlan';
import type { AttachmentKey } from '#plan/network';
import type { PluginCall } from '../plugin.ts';
import { leftNamespace } from '../pod-namespace.ts';
import { type VlanHolderParts, vlanHolder } from './vlan-holder.ts';

export type SubInterfaceMakerParts = VlanHolderParts;

/** The request that an interface is made for. */
type MakingCall = Pick<PluginCall, 'signal' | 'log'>;

/**
 * The kernel ends a namespace in the background, and its interfaces with it (net/core/net_namespace.c, cleanup_net).
 * Longer than so many looks is the affair of the next ADD.
 */
const ENDING_LOOKS = 40;
const ENDING_LOOK_MS = 50;

const NOBODY =
  'an interface has it, and its namespace has no name and no process: it is just ending, or an open file keeps it';

export class SubInterfaceMaker {
  readonly #parts: SubInterfaceMakerParts;

  constructor(parts: SubInterfaceMakerParts) {
    this.#parts = parts;
  }

  /** The master on the node. Throws INPUT_INVALID if there is none. */
  master(name: string): Link {
    const link = this.#parts.node.link(name);
    if (link !== undefined) return link;
    throw new OrbError('INPUT_INVALID', {
      message: `eni-vlan configuration: master: ${JSON.stringify(name)} is not an interface of this node`,
      subject: 'master',
    });
  }

  /**
   * Makes the interface in the pod, down, and returns it. The kernel makes it there at once, so nothing of it is ever on
   * the node. Throws ENI_VLAN_TAKEN with who has the VLAN.
   */
  async make(
    pod: NetworkNamespace,
    key: AttachmentKey,
    wanted: SubInterface,
    call: MakingCall,
  ): Promise<Link> {
    const { node } = this.#parts;
    const { master, vlanId, mac, mtuBytes } = wanted;
    const name = temporaryName(key);
    const type = { kind: 'vlan', parent: master, vlanId, looseBinding: true } as const;
    const settings = {
      ...(mac !== undefined && { mac }),
      ...(mtuBytes !== undefined && { mtuBytes }),
    };
    const create = () =>
      node.change([{ verb: 'create', kind: 'link', link: { name, type, ...settings, netnsFd: pod.fd } }]);
    for (let looks = 0; ; looks++) {
      try {
        create();
        break;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        if (looks === 0) await this.#vacate(wanted, key, call, error);
        else if (looks < ENDING_LOOKS) await sleep(ENDING_LOOK_MS, undefined, { signal: call.signal });
        else throw taken(wanted, NOBODY, error);
      }
    }
    const { interfaceName: newName } = key;
    pod.change([{ verb: 'set', kind: 'link', link: { name, newName, alias: subInterfaceAlias(key) } }]);
    const link = pod.link(newName);
    if (link !== undefined) return link;
    throw new OrbError('INTERNAL', { message: `interface ${newName} is gone although it was just made` });
  }

  /** Removes what is left of the interface. `recorded` is undefined if the record is lost. */
  async remove(pod: NetworkNamespace, key: AttachmentKey, recorded: SubInterface | undefined): Promise<void> {
    const masterIndex = recorded && this.#parts.node.link(recorded.master)?.index;
    const own = recorded && { vlanId: recorded.vlanId, masterIndex };
    for (const { name } of linksOfAttachment(pod.links(), key, own)) {
      try {
        await pod.deleteLink(name);
      } catch (error) {
        if (errnoOf(error) !== 'ENODEV') throw error;
      }
    }
  }

  /**
   * Makes room for an interface whose VLAN was taken. An earlier sandbox of the pod has lost it, as its addresses. Throws
   * ENI_VLAN_TAKEN if somebody else has it.
   */
  async #vacate(wanted: SubInterface, key: AttachmentKey, call: MakingCall, cause: unknown): Promise<void> {
    const holder = await vlanHolder(this.#parts, wanted);
    if (holder === undefined) return;
    const { record, path, name } = holder;
    if (record === undefined || path === undefined || !this.#isEarlierSandbox(record, key))
      throw taken(wanted, `${name} has it`, cause);
    call.log.warn(
      { vlan: wanted.vlanId, holder: name },
      'an earlier sandbox of the pod still has its VLAN, and loses it',
    );
    const pod = await leftNamespace(this.#parts, record.netns, path);
    try {
      if (pod !== undefined) await this.remove(pod, record, wanted);
    } finally {
      pod?.close();
    }
  }

  /** Of one name, one pod lives, in one sandbox. */
  #isEarlierSandbox(record: AttachmentRecord, key: AttachmentKey): boolean {
    const pod = this.#parts.attachments.get(key)?.pod;
    const { pod: other, containerId, interfaceName } = record;
    return (
      pod !== undefined &&
      pod.namespace === other?.namespace &&
      pod.name === other.name &&
      containerId !== key.containerId &&
      interfaceName === key.interfaceName
    );
  }
}

function taken({ master, vlanId }: SubInterface, why: string, cause: unknown): OrbError {
  return new OrbError('ENI_VLAN_TAKEN', {
    message: `VLAN ${vlanId} on master ${master} is taken: ${why}`,
    subject: `master ${master}`,
    cause,
  });
}
