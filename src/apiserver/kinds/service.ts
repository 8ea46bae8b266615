// What the server does to Services: cluster addresses of both families, node ports, defaults (kubernetes "Service" concepts).

import { OrbError } from '#base';
import {
  type Address,
  type Cidr,
  cidrContains,
  cidrRange,
  type Family,
  formatAddress,
  tryParseAddress,
} from '#ip';
import {
  type ApiObject,
  ensureObject,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  setDefault,
  stringAt,
} from '../json.ts';
import type { Strategy } from '../ports.ts';
import type { StatusCause } from '../status.ts';
import type { Store } from '../store/index.ts';
import { assignNodePorts, type PortRange, refused } from './node-ports.ts';

/** Which addresses and ports services are given. */
export interface ServiceRanges {
  /** One network, or one of each family. The first one sets the family of single-stack services. */
  readonly clusterCidrs: readonly Cidr[];
  readonly nodePorts: PortRange;
}

/** The first address of each network. The Service `kubernetes`, which is the API itself, has them. */
export function apiClusterIps({ clusterCidrs }: ServiceRanges): string[] {
  return clusterCidrs.map((cidr) => {
    const { first } = cidrRange(cidr);
    return formatAddress({ family: first.family, value: first.value + 1n } satisfies Address);
  });
}

export class ServiceStrategy implements Strategy {
  readonly #store: Store;
  readonly #ranges: ServiceRanges;
  /** Services that are prepared and not stored yet. Their addresses and ports count as taken. */
  readonly #pending = new Set<ApiObject>();

  constructor(store: Store, ranges: ServiceRanges) {
    this.#store = store;
    this.#ranges = ranges;
  }

  prepareCreate(service: ApiObject): void {
    this.#prepare(service, undefined);
    service.status = { loadBalancer: {} };
  }

  prepareUpdate(service: ApiObject, old: ApiObject): void {
    this.#prepare(service, old);
  }

  settled(service: ApiObject): void {
    this.#pending.delete(service);
  }

  validate(service: ApiObject, old: ApiObject | undefined): StatusCause[] {
    const causes: StatusCause[] = [];
    const type = stringAt(service, 'spec', 'type');
    if (
      listAt(service, 'spec', 'ports').length === 0 &&
      type !== 'ExternalName' &&
      stringAt(service, 'spec', 'clusterIP') !== 'None'
    ) {
      causes.push({ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.ports' });
    }
    const [is, was] = [stringAt(service, 'spec', 'clusterIP'), stringAt(old, 'spec', 'clusterIP')];
    if (was && is !== was && type !== 'ExternalName' && stringAt(old, 'spec', 'type') !== 'ExternalName') {
      causes.push({
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(is)}: field is immutable`,
        field: 'spec.clusterIP',
      });
    }
    return causes;
  }

  #prepare(service: ApiObject, old: ApiObject | undefined): void {
    this.#fill(service, old);
    this.#pending.add(service);
  }

  #fill(service: ApiObject, old: ApiObject | undefined): void {
    const spec = ensureObject(service, 'spec');
    setDefault(spec, 'type', 'ClusterIP');
    setDefault(spec, 'sessionAffinity', 'None');
    for (const port of listAt(spec, 'ports')) {
      if (!isObject(port)) continue;
      setDefault(port, 'protocol', 'TCP');
      // A Go client cannot leave the target port out: it sends 0.
      port.targetPort = port.targetPort || port.port || 0;
    }
    if (spec.type === 'ExternalName') return;
    setDefault(spec, 'internalTrafficPolicy', 'Cluster');
    if (spec.type !== 'ClusterIP') setDefault(spec, 'externalTrafficPolicy', 'Cluster');
    this.#clusterIps(service, spec, old);
    assignNodePorts(service, old, this.#others(service), this.#ranges.nodePorts);
  }

  #clusterIps(service: ApiObject, spec: JsonObject, old: ApiObject | undefined): void {
    const before = listAt(old, 'spec', 'clusterIPs');
    if (before.length > 0 && spec.clusterIP === undefined) spec.clusterIP = before[0] as string;
    const asked =
      listAt(spec, 'clusterIPs').length > 0
        ? listAt(spec, 'clusterIPs')
        : before[0] === spec.clusterIP
          ? before
          : [];
    const first = spec.clusterIP || asked[0];
    const families = this.#families(service, spec, first);
    setDefault(spec, 'ipFamilyPolicy', families.length > 1 ? 'PreferDualStack' : 'SingleStack');
    spec.ipFamilies = families.map((family) => `IPv${family}`);
    if (first === 'None') {
      spec.clusterIP = 'None';
      spec.clusterIPs = ['None'];
      return;
    }
    const wanted = [first, ...asked.slice(1)];
    const addresses = families.map((family, index) =>
      this.#clusterIp(service, family, wanted[index], before),
    );
    spec.clusterIPs = addresses;
    spec.clusterIP = addresses[0] as string;
  }

  /** Families in order; throws 422 when the policy asks for a family that the cluster lacks. */
  #families(service: ApiObject, spec: JsonObject, first: Json | undefined): Family[] {
    const offered = this.#ranges.clusterCidrs.map((cidr) => cidr.address.family);
    const named = listAt(spec, 'ipFamilies').map((name): Family => (name === 'IPv6' ? 6 : 4));
    const given = typeof first === 'string' ? tryParseAddress(first)?.family : undefined;
    const primary = named[0] ?? given ?? offered[0] ?? 4;
    const policy = spec.ipFamilyPolicy ?? (named.length > 1 ? 'RequireDualStack' : 'SingleStack');
    if (!offered.includes(primary)) {
      throw refused(
        service,
        'spec.ipFamilies[0]',
        `Invalid value: "IPv${primary}": not configured on this cluster`,
      );
    }
    if (policy === 'SingleStack') return [primary];
    const both = offered.length > 1;
    if (policy === 'RequireDualStack' && !both) {
      throw refused(
        service,
        'spec.ipFamilyPolicy',
        'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
      );
    }
    return both ? [primary, primary === 4 ? 6 : 4] : [primary];
  }

  #clusterIp(service: ApiObject, family: Family, wanted: Json | undefined, before: readonly Json[]): string {
    const cidr = this.#ranges.clusterCidrs.find((range) => range.address.family === family);
    if (cidr === undefined) throw new OrbError('INTERNAL', { message: `no service range of IPv${family}` });
    if (typeof wanted === 'string' && wanted !== '') {
      if (before.includes(wanted)) return wanted;
      const address = tryParseAddress(wanted);
      if (address === undefined || !cidrContains(cidr, address)) {
        throw refused(
          service,
          'spec.clusterIPs',
          `Invalid value: ["${wanted}"]: failed to allocate IP ${wanted}: the provided IP is not in the valid range`,
        );
      }
      const text = formatAddress(address);
      if (this.#usedIps(service).has(text)) {
        throw refused(
          service,
          'spec.clusterIPs',
          `Invalid value: ["${wanted}"]: failed to allocate IP ${wanted}: provided IP is already allocated`,
        );
      }
      return text;
    }
    return this.#freeIp(service, cidr);
  }

  #freeIp(service: ApiObject, cidr: Cidr): string {
    const { first, last } = cidrRange(cidr);
    const used = this.#usedIps(service);
    // Skip the network's address, its first address (apiClusterIps) and the IPv4 broadcast address.
    const end = cidr.address.family === 4 ? last.value - 1n : last.value;
    for (let value = first.value + 2n; value <= end; value++) {
      const text = formatAddress({ family: first.family, value } satisfies Address);
      if (!used.has(text)) return text;
    }
    throw refused(service, 'spec.clusterIPs', 'Internal error: range is full');
  }

  #usedIps(except: ApiObject): Set<string> {
    const used = new Set<string>();
    for (const object of this.#others(except)) {
      for (const ip of listAt(object, 'spec', 'clusterIPs')) if (typeof ip === 'string') used.add(ip);
    }
    return used;
  }

  #others(except: ApiObject): ApiObject[] {
    const { name, namespace } = except.metadata;
    const stored = this.#store.list('services.').map(({ object }) => object);
    return [...stored, ...this.#pending].filter(
      ({ metadata }) => metadata.name !== name || metadata.namespace !== namespace,
    );
  }
}
