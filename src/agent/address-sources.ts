// Where pods get their addresses: from pools, which the leading controller writes for this agent, and from ports of Neutron.

import { join } from 'node:path';
import type { AgentConfig } from '#api';
import type { Clock, Logger } from '#base';
import { eniVlanPart, hostDevicePart, type Ipam } from '#cni';
import { IaasProvider, providerOptions } from '#iaas';
import type { Family } from '#ip';
import type { EventRecorder, KubeClient } from '#kube';
import type { NetworkNamespace } from '#net';
import { type Attachments, partOf } from '#node';
import type { CloudConfig } from '#openstack';
import { CONTROLLER_LEASE } from '#plan/installation';
import type { ProvidedLink } from '#plan/ipam';
import { ADDRESS_RESOURCE, type Amounts, addressAmount, NIC_RESOURCE } from '#plan/openstack';
import { automaticPoolSettings } from '#plan/subnet';
import { LeaderLink, LeaderToken } from '#pools';
import type { ClusterView } from './cluster-view.ts';
import type { Gate } from './gate.ts';
import { NicSource } from './host-device/index.ts';
import { Allocator } from './ipam/index.ts';
import type { AgentMetrics } from './metrics/index.ts';
import { annotationsOf, NeutronSource, originOf } from './neutron/index.ts';
import { NodeCloud } from './node-cloud.ts';

/** What the user sets. */
export interface AddressOptions {
  readonly config: AgentConfig;
  readonly nodeName: string;
  /**
   * The namespace of the agents' ServiceAccount, of the controllers' Lease, and of NetworkAttachmentDefinitions that are
   * named without one.
   */
  readonly agentNamespace: string;
  /** The name of the agents' ServiceAccount in that namespace. */
  readonly serviceAccount: string;
  /** Multus' `clusterNetwork`, if it is known. */
  readonly clusterNetwork?: string;
  readonly client: KubeClient;
  /** The login of OpenStack. Throws OPENSTACK_CONFIG_INVALID. It is first called by an ADD of type `neutron`. */
  readonly cloud: () => CloudConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface AddressSourcesParts extends AddressOptions {
  readonly node: NetworkNamespace;
  readonly view: ClusterView;
  readonly attachments: Attachments;
  readonly metrics: AgentMetrics;
  readonly gate: Gate;
  readonly events: Pick<EventRecorder, 'record'>;
  /** An Event on the node. */
  readonly warnOnNode: (reason: string, message: string) => void;
  /** Called when {@link AddressSources.amounts} may be others. */
  readonly changed: () => void;
  readonly families: readonly Family[];
}

export class AddressSources {
  /** The way to the leading controller. */
  readonly leader: LeaderLink;
  /** NICs that the cloud makes for pods, with the addresses of their ports. */
  readonly nics: NicSource;
  readonly #iaas: IaasProvider;
  readonly #pools: Allocator;
  readonly #neutron: NeutronSource;
  readonly #cloud: NodeCloud;
  readonly #view: ClusterView;
  readonly #countsAddresses: boolean;

  constructor(parts: AddressSourcesParts) {
    const { config, client, clock, nodeName: node, agentNamespace: namespace, view, gate } = parts;
    const { addressRestSeconds, neutronReadyLow, neutronReadyHigh } = config.orbweaver;
    const { nicsReadyLow, nicsReadyHigh, stateDirectory } = config.orbweaver;
    const account = { namespace, name: parts.serviceAccount };
    this.#view = view;
    this.#countsAddresses = config.orbweaver.neutronCountAddresses;
    const token = new LeaderToken({ client, clock, account, node });
    const lease = { namespace, name: CONTROLLER_LEASE };
    this.leader = new LeaderLink({ ...parts, lease, token: () => token.get() });
    this.#iaas = new IaasProvider({ ...providerOptions(config), clock, log: parts.log });
    const families = [...parts.families];
    const addressRestMs = addressRestSeconds * 1000;
    this.#pools = new Allocator({
      ...parts,
      ...{ families, addressRestMs, leader: this.leader, requests: gate, iaas: this.#iaas },
      parentMac: (name) => parts.node.link(name)?.mac,
      madeLink: (podUid, nic) => madeLink(parts.attachments, podUid, nic),
      metrics: parts.metrics.ipam,
      automaticPools: automaticPoolSettings(config),
      fixedForStatefulSets: config.enableStatefulSet,
      fixedForVirtualMachines: config.enableKubevirtStaticIP,
    });
    const folder = join(stateDirectory, 'openstack');
    this.#cloud = new NodeCloud({ ...parts, folder, providerId: () => view.node?.spec?.providerID });
    const inCloud = { ...parts, families, folder, cloud: this.#cloud, origin: () => originOf(view, node) };
    this.nics = new NicSource({
      ...inCloud,
      podUidOf: (owner) => {
        const record = parts.attachments.get(owner);
        if (record === undefined || partOf(record, hostDevicePart) === undefined) return undefined;
        return record.pod?.uid ?? '';
      },
      gaveNics: () =>
        parts.attachments.all().some((record) => partOf(record, hostDevicePart)?.ofCloud === true),
      warm: { low: nicsReadyLow, high: nicsReadyHigh },
    });
    this.#neutron = new NeutronSource({
      ...{ ...inCloud, restMs: addressRestMs },
      annotations: (request) => annotationsOf(view, request),
      isLiving: (podUid, nic) =>
        parts.attachments.ofPod(podUid).some(({ interfaceName }) => interfaceName === nic),
      warm: { low: neutronReadyLow, high: neutronReadyHigh },
    });
  }

  /** By the type of `ipam` in a network configuration. */
  get byType(): ReadonlyMap<string, Ipam> {
    return new Map<string, Ipam>([
      ['spiderpool', this.#pools],
      ['neutron', this.#neutron],
    ]);
  }

  /** Pods that were refused, and wait for what they lack. */
  get refused(): Allocator['refused'] {
    return this.#pools.refused;
  }

  /** What the Node says of addresses that the cloud has for its pods. */
  async amounts(): Promise<Amounts> {
    if (!this.#countsAddresses) return new Map();
    const supplies = [
      [ADDRESS_RESOURCE, await this.#neutron.supply()],
      [NIC_RESOURCE, await this.nics.supply()],
    ] as const;
    const node = this.#view.node ?? {};
    return new Map(
      supplies.flatMap(([resource, supply]) => {
        if (supply === undefined) return [];
        const amount =
          supply === 'unknown' ? supply : addressAmount(supply, node, this.#view.pods(), resource);
        return [[resource, amount] as const];
      }),
    );
  }

  /** Resolves when pools can be allocated from. */
  start(): Promise<void> {
    return this.#pools.start();
  }

  /** Which pods live is known: what others have left on ports of Neutron can be given back. */
  clusterKnown(): void {
    void this.#neutron.start();
    this.nics.start();
  }

  async stop(): Promise<void> {
    await this.#pools.stop();
    this.#iaas.close();
    this.#neutron.stop();
    this.nics.stop();
    this.#cloud.close();
    this.leader.close();
  }
}

/** Of the pod's sandbox that counts. The reference plugins make what the source of addresses cannot choose. */
function madeLink(attachments: Attachments, podUid: string, nic: string): ProvidedLink | undefined {
  const own = attachments
    .ofPod(podUid)
    .filter(({ interfaceName, supersededBy }) => interfaceName === nic && supersededBy === undefined);
  const [link] = own.flatMap((record) => partOf(record, eniVlanPart)?.link ?? []);
  return link && { vlan: link.vlanId, ...(link.mac !== undefined && { mac: link.mac }) };
}
