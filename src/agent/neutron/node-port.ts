// The port of one NIC of this node: it gives addresses to pods, and keeps some ready.

import { BackOff, type Clock, errorText, type Logger, OrbError } from '#base';
import type { Family } from '#ip';
import type { NetworkNamespace } from '#net';
import {
  type CloudClient,
  knownIdentity,
  type LedgerFile,
  metadataDocument,
  ownNic,
  PortAddresses,
  type Subnet,
} from '#openstack';
import { onePerFamily, subnetsOf, type WarmLimits } from '#plan/openstack';

export interface NodePortParts {
  readonly cloud: CloudClient;
  /** Of the ledgers, and of what is known of NICs. */
  readonly folder: string;
  readonly file: (portId: string) => LedgerFile;
  readonly node: NetworkNamespace;
  /** The Node's `spec.providerID`, if the cluster knows it. */
  readonly providerId: () => string | undefined;
  /** Whether a pod of this node has the NIC: its owner's name. */
  readonly isLiving: (owner: string) => boolean;
  readonly families: readonly Family[];
  readonly warm: WarmLimits;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two looks when nothing happens. */
const IDLE_MS = 60_000;
/** Pods that come together are one write. */
const GATHER_MS = 200;
const backOff = { firstMs: 1_000, maximumMs: 60_000 };
/** A providerID of another cloud says nothing here. */
const OWN_CLOUD = 'openstack://';

export class NodePort {
  readonly portId: string;
  readonly networkId: string;
  readonly addresses: PortAddresses;
  readonly subnets: readonly Subnet[];
  readonly #clock: Clock;
  readonly #log: Logger;
  #waked = new AbortController();
  #idleMs = IDLE_MS;
  /** Of the last try to keep addresses ready. */
  #failure: string | undefined;

  private constructor(
    facts: Pick<NodePort, 'portId' | 'networkId' | 'addresses' | 'subnets'>,
    { clock, log }: NodePortParts,
  ) {
    this.portId = facts.portId;
    this.networkId = facts.networkId;
    this.addresses = facts.addresses;
    this.subnets = facts.subnets;
    this.#clock = clock;
    this.#log = log.child({ port: facts.portId });
  }

  /**
   * Finds the NIC's port, and makes its ledger agree with it. What pods have left behind that ended while no agent ran
   * is released. Throws OPENSTACK_NODE_UNKNOWN, and the errors of Neutron.
   */
  static async open(nicName: string, networkId: string | undefined, parts: NodePortParts): Promise<NodePort> {
    const { cloud, folder, node, providerId, families } = parts;
    const nic = ownNic(node, nicName);
    const given = providerId();
    const hints = { networkId, ...(given?.startsWith(OWN_CLOUD) === true && { providerId: given }) };
    const identity = await knownIdentity(folder, nic, hints, {
      neutron: cloud.neutron,
      metadata: () => metadataDocument(cloud.connections),
      configDrive: undefined,
    });
    const { portId, port } = identity;
    const nodeAddresses = nic.identity.addresses;
    const ids = subnetsOf(port.fixed_ips, nodeAddresses);
    const subnets = onePerFamily(await Promise.all(ids.map((id) => subnetOf(cloud, id))), families);
    if (subnets.length === 0) {
      const message = `no subnet of port ${portId} has addresses for pods: ${ids.join(', ') || 'the port has none'}`;
      throw new OrbError('OPENSTACK_REFUSED', { message, subject: portId });
    }
    const { neutron } = cloud;
    const file = parts.file(portId);
    const addresses = new PortAddresses({ ...parts, neutron, file, portId, nodeAddresses });
    await addresses.reconcile();
    await addresses.release(({ owner }) => !parts.isLiving(owner), 0);
    const { networkId: network } = identity;
    return new NodePort({ portId, networkId: network, addresses, subnets }, parts);
  }

  /** Why no pod can get an address: none is ready, and none can be fetched. Undefined if one can. */
  async unready(): Promise<string | undefined> {
    if (this.#failure === undefined) return undefined;
    const ids = this.subnets.map(({ id }) => id);
    return (await this.addresses.areReady(ids)) ? undefined : this.#failure;
  }

  /** Something was taken or given back. */
  wake(): void {
    this.#waked.abort();
  }

  /** Keeps addresses ready, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const waits = new BackOff(backOff);
    while (!signal.aborted) {
      const tended = await this.#tend();
      if (tended) waits.reset();
      await this.#rest(tended ? this.#idleMs : waits.next(), tended, signal);
    }
  }

  async #tend(): Promise<boolean> {
    this.#waked = new AbortController();
    try {
      const { restsEndMs } = await this.addresses.tend(this.subnets.map(({ id }) => id));
      const restMs = restsEndMs === undefined ? IDLE_MS : restsEndMs - this.#clock.now();
      this.#idleMs = Math.min(Math.max(restMs, GATHER_MS), IDLE_MS);
      if (this.#failure !== undefined) this.#log.info({}, 'addresses of the port can be fetched again');
      this.#failure = undefined;
      return true;
    } catch (error) {
      if (this.#failure === undefined)
        this.#log.warn({ err: error }, 'cannot keep addresses of the port ready');
      this.#failure = errorText(error);
      return false;
    }
  }

  /** Whoever comes ends the wait, but not that after a failure. */
  async #rest(ms: number, endsEarly: boolean, signal: AbortSignal): Promise<void> {
    const ended = endsEarly ? AbortSignal.any([signal, this.#waked.signal]) : signal;
    await this.#clock.sleep(ms, ended).catch(() => {}); // something happened, or the agent leaves
    if (endsEarly && this.#waked.signal.aborted) await this.#clock.sleep(GATHER_MS, signal).catch(() => {});
  }
}

async function subnetOf({ neutron }: CloudClient, id: string): Promise<Subnet> {
  const sight = await neutron.subnet(id);
  if (sight.is === 'there') return sight.value;
  const message = `Neutron does not show subnet ${id} to this login`;
  throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: id });
}
