// The binding of a NIC's IPv4 address by the provider of an IaaS, where the network of the NIC has VLANs of the provider.

import type { IaasPlace, NetConf } from '#api';
import { isOrbError, OrbError } from '#base';
import type { AllocationRequest } from '#cni';
import type { IaasProvider } from '#iaas';
import type { Mac } from '#net';
import { podOfRecord } from '#plan/iaas';
import type { Assignment, PodOwner, ProvidedLink } from '#plan/ipam';

export interface BindingOptions {
  readonly iaas: Pick<IaasProvider, 'isThere' | 'bind' | 'release'>;
  readonly nodeName: string;
  /** The MAC address of an interface of the node. */
  readonly parentMac: (name: string) => Mac | undefined;
}

/** What the main plugin reads too. */
interface ParentConf extends NetConf {
  readonly vlanMode?: unknown;
  readonly master?: unknown;
}

/** The provider binds IPv4 addresses alone. */
const BOUND_FAMILY = 4;

export class NicBinding {
  /** Where the record of the address says that the provider may have bound it. */
  readonly place: IaasPlace;
  readonly #options: BindingOptions;
  readonly #nic: string;
  readonly #signal: AbortSignal;
  #link: ProvidedLink = {};
  #mayBeBound = false;

  private constructor(options: BindingOptions, request: AllocationRequest, place: IaasPlace) {
    this.#options = options;
    this.#nic = request.interfaceName;
    this.#signal = request.signal;
    this.place = place;
  }

  /** Undefined if the provider has nothing to do with the NIC. */
  static of(request: AllocationRequest, options: BindingOptions): NicBinding | undefined {
    if (!options.iaas.isThere || !isOfProvider(request.conf)) return undefined;
    const master = masterOf(request.conf);
    const parentNicMac = options.parentMac(master);
    if (parentNicMac !== undefined) {
      return new NicBinding(options, request, { node: options.nodeName, parentNicMac });
    }
    const message = `interface ${master}, on which ${request.interfaceName} is made, does not exist on node ${options.nodeName}`;
    throw new OrbError('PARENT_LINK_UNUSABLE', { message, subject: `interface ${master}` });
  }

  /** What the provider said. Empty before {@link NicBinding.bind}. */
  get link(): ProvidedLink {
    return this.#link;
  }

  /** As {@link NicBinding.link}, if the provider binds one of the addresses. */
  linkOf(assignments: readonly Assignment[]): ProvidedLink | undefined {
    return assignments.some((one) => this.covers(one)) ? this.#link : undefined;
  }

  /** Whether the provider was asked, and has not refused. What it has not bound, it is not asked to let go. */
  get mayBeBound(): boolean {
    return this.#mayBeBound;
  }

  /** Whether the provider binds this address. */
  covers({ nic, family, pool }: Pick<Assignment, 'nic' | 'family' | 'pool'>): boolean {
    // What a provider has made ready for a pool is bound already.
    return nic === this.#nic && family === BOUND_FAMILY && pool.provision === undefined;
  }

  /** Asks the provider for the address that it covers, also for one that it has bound before. See {@link IaasProvider.bind}. */
  async bind({ podUid, pod }: PodOwner, assignments: readonly Assignment[]): Promise<void> {
    const own = assignments.find((one) => this.covers(one));
    if (own === undefined) return;
    const { address, pool } = own;
    const bound = { ...this.place, pod: podOfRecord(pod, podUid), address, subnet: pool.subnet };
    this.#mayBeBound = true;
    try {
      this.#link = await this.#options.iaas.bind(bound, this.#signal);
    } catch (error) {
      this.#mayBeBound = !isOrbError(error, 'IAAS_REFUSED');
      throw error;
    }
  }
}

/** The type `eni-vlan` makes no other VLANs. */
function isOfProvider({ type, vlanMode }: ParentConf): boolean {
  return vlanMode === 'auto' || (type === 'eni-vlan' && vlanMode === undefined);
}

function masterOf({ master }: ParentConf): string {
  if (typeof master === 'string' && master !== '') return master;
  const message = `master ${JSON.stringify(master)}: must be the name of an interface of the node, because vlanMode is auto`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'network configuration' });
}
