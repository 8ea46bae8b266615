// Neutron: ports, networks, subnets, security groups, floating IPs, quotas and extensions.

import { z } from 'zod';
import { decoded } from './decode.ts';
import {
  type FixedIp,
  type FloatingIp,
  floatingIpSchema,
  type Network,
  networkSchema,
  type Port,
  portSchema,
  type Quota,
  quotaSchema,
  type Rule,
  ruleSchema,
  type Subnet,
  subnetSchema,
} from './neutron-objects.ts';
import { listed } from './pages.ts';
import { type Call, CloudService, type ServiceParts, type Sight } from './service.ts';

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Fields to change of a port: Neutron is sent these alone, so what another program changes meanwhile stays. */
export interface PortChange {
  /** The whole list. One with `subnet_id` alone asks for any free address of the subnet. */
  readonly fixed_ips?: readonly (FixedIp | { readonly subnet_id: string })[];
  /** Up to 255 characters. */
  readonly description?: string;
}

/** Exact matches. */
export interface PortFilter {
  readonly mac_address?: string;
  readonly network_id?: string;
  readonly device_id?: string;
  readonly device_owner?: string;
  /** An address that the port has. Addresses of two networks may be equal: name the network beside it. */
  readonly address?: string;
}

export class Neutron {
  readonly #service: CloudService;
  #extensions: Promise<ReadonlySet<string>> | undefined;

  constructor(parts: ServiceParts) {
    this.#service = new CloudService(parts, 'network', 'Neutron', '/v2.0');
  }

  /** The aliases of the cloud's extensions, as `revision-if-match`. Asked once. */
  extensions(options: CallOptions = {}): Promise<ReadonlySet<string>> {
    this.#extensions ??= this.#readExtensions(options).catch((error: unknown) => {
      this.#extensions = undefined;
      throw error;
    });
    return this.#extensions;
  }

  port(id: string, options: CallOptions = {}): Promise<Sight<Port>> {
    return this.#look('port', id, portSchema, options);
  }

  network(id: string, options: CallOptions = {}): Promise<Sight<Network>> {
    return this.#look('network', id, networkSchema, options);
  }

  subnet(id: string, options: CallOptions = {}): Promise<Sight<Subnet>> {
    return this.#look('subnet', id, subnetSchema, options);
  }

  /** Ports that match all of the filter. A server that does not know a filter ignores it, so each port is looked at again. */
  async ports({ address, ...filter }: PortFilter, options: CallOptions = {}): Promise<Port[]> {
    const query = new URLSearchParams(filter as Record<string, string>);
    if (address !== undefined) query.set('fixed_ips', `ip_address=${address}`);
    const ports = await listed(this.#service, 'ports', query, portSchema, options.signal);
    return ports.filter(
      (port) =>
        Object.entries(filter).every(([field, value]) => port[field as keyof typeof filter] === value) &&
        (address === undefined || port.fixed_ips.some((one) => one.ip_address === address)),
    );
  }

  /** The floating IPs that lead to a port. */
  async floatingIpsOf(portId: string, options: CallOptions = {}): Promise<FloatingIp[]> {
    const query = new URLSearchParams({ port_id: portId });
    const all = await listed(this.#service, 'floatingips', query, floatingIpSchema, options.signal);
    return all.filter((one) => one.port_id === portId);
  }

  /** The rules of security groups. */
  async rulesOf(groups: readonly string[], options: CallOptions = {}): Promise<Rule[]> {
    const lists = groups.map((group) => {
      const query = new URLSearchParams({ security_group_id: group });
      return listed(this.#service, 'security-group-rules', query, ruleSchema, options.signal);
    });
    return (await Promise.all(lists)).flat().filter((rule) => groups.includes(rule.security_group_id));
  }

  /** What the login's project may have of ports. */
  async portQuota({ signal }: CallOptions = {}): Promise<Quota> {
    const project = await this.#service.projectId(signal);
    const action = 'read the quota of ports';
    const path = `/quotas/${encodeURIComponent(project)}/details.json`;
    const answer = await this.#service.call({ method: 'GET', path, action, signal });
    const schema = z.object({ quota: z.object({ port: quotaSchema }) });
    return decoded(schema, answer, this.#service.name, action).quota.port;
  }

  /**
   * Changes a port if it still has this revision. Throws OPENSTACK_CHANGED if it has another one. Neutron looks at the
   * revision only where the change writes something: a list of addresses that the port already has is answered with 200,
   * whatever the revision. The new description in the same call makes it look.
   */
  async updatePort(
    id: string,
    change: PortChange & { readonly description: string },
    { revision, signal }: CallOptions & { readonly revision: number },
  ): Promise<Port> {
    const call: Call = {
      method: 'PUT',
      path: `/ports/${encodeURIComponent(id)}`,
      action: `update port ${id}`,
      body: { port: change },
      headers: { 'if-match': `revision_number=${revision}` },
      signal,
    };
    const answer = await this.#service.call(call);
    return decoded(z.object({ port: portSchema }), answer, this.#service.name, call.action).port;
  }

  /** The floating IP stays, and leads nowhere. */
  async disassociate(floatingIpId: string, { signal }: CallOptions = {}): Promise<void> {
    const path = `/floatingips/${encodeURIComponent(floatingIpId)}`;
    const action = `disassociate floating IP ${floatingIpId}`;
    await this.#service.call({
      method: 'PUT',
      path,
      action,
      body: { floatingip: { port_id: null } },
      signal,
    });
  }

  async #readExtensions({ signal }: CallOptions): Promise<ReadonlySet<string>> {
    const action = 'list extensions';
    const answer = await this.#service.call({ method: 'GET', path: '/extensions', action, signal });
    const schema = z.object({ extensions: z.array(z.object({ alias: z.string() })) });
    const { extensions } = decoded(schema, answer, this.#service.name, action);
    return new Set(extensions.map(({ alias }) => alias));
  }

  async #look<T>(
    kind: 'port' | 'network' | 'subnet',
    id: string,
    schema: z.ZodType<T>,
    { signal }: CallOptions,
  ): Promise<Sight<T>> {
    const action = `read ${kind} ${id}`;
    const path = `/${kind}s/${encodeURIComponent(id)}`;
    const sight = await this.#service.look({ method: 'GET', path, action, signal });
    if (sight.is === 'absent') return sight;
    const found = decoded(z.object({ [kind]: schema }), sight.value, this.#service.name, action);
    return { is: 'there', value: found[kind] as T };
  }
}
