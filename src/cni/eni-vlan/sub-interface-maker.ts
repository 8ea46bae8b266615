// Makes the VLAN of a pod in its namespace, and removes it.

import { OrbError } from '#base';
import { errnoOf, type Link, type NetworkNamespace } from '#net';
import type { Attachments } from '#node';
import {
  isInVlan,
  linksOfAttachment,
  type SubInterface,
  subInterfaceAlias,
  temporaryName,
} from '#plan/eni-vlan';
import type { AttachmentKey } from '#plan/network';
import { type PodNamespaceParts, recordedNamespaces } from '../pod-namespace.ts';

export interface SubInterfaceMakerParts extends PodNamespaceParts {
  readonly attachments: Attachments;
}

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
  async make(pod: NetworkNamespace, key: AttachmentKey, wanted: SubInterface): Promise<Link> {
    const { node } = this.#parts;
    const { master, vlanId, mac, mtuBytes } = wanted;
    const name = temporaryName(key);
    const type = { kind: 'vlan', parent: master, vlanId, looseBinding: true } as const;
    const settings = {
      ...(mac !== undefined && { mac }),
      ...(mtuBytes !== undefined && { mtuBytes }),
    };
    try {
      node.change([{ verb: 'create', kind: 'link', link: { name, type, ...settings, netnsFd: pod.fd } }]);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      throw await this.#taken(wanted, error);
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

  async #taken({ master, vlanId }: SubInterface, cause: unknown): Promise<OrbError> {
    const holder =
      (await this.#holder(master, vlanId)) ?? 'an interface in a namespace that this agent does not know';
    return new OrbError('ENI_VLAN_TAKEN', {
      message: `VLAN ${vlanId} on master ${master} is taken: ${holder} has it`,
      subject: `master ${master}`,
      cause,
    });
  }

  async #holder(master: string, vlanId: number): Promise<string | undefined> {
    const { node, attachments } = this.#parts;
    const masterIndex = node.link(master)?.index;
    const onNode = node
      .links()
      .find(
        (link) => link.vlanId === vlanId && link.linkIndex === masterIndex && link.linkNetnsId === undefined,
      );
    if (onNode !== undefined) return `interface ${onNode.name} of this node`;
    const namespaces = await recordedNamespaces(this.#parts, attachments.all());
    try {
      for (const { path, namespace } of namespaces) {
        const link = namespace.links().find((one) => isInVlan(one, vlanId, masterIndex));
        if (link === undefined) continue;
        const pod = attachments.all().find(({ netns }) => netns?.path === path)?.pod;
        const whose = pod === undefined ? '' : ` of pod ${pod.namespace}/${pod.name}`;
        return `interface ${link.name}${whose} in ${path}`;
      }
      return undefined;
    } finally {
      for (const { namespace } of namespaces) namespace.close();
    }
  }
}
