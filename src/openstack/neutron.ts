// Neutron: ports, networks, subnets, routers, security groups, floating IPs, quotas and extensions.

import { z } from 'zod';
import type { AddressAsked, AddressPair } from '#plan/openstack';
import { decoded } from './decode.ts';
import {
  type FloatingIp,
  floatingIpSchema,
  type Network,
  networkSchema,
  type Port,
  portSchema,
  type Quota,
  quotaSchema,
  type Router,
  type Rule,
  routerSchema,
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
  readonly fixed_ips?: readonly AddressAsked[];
  /** The whole list. */
  readonly allowed_address_pairs?: readonly AddressPair[];
  /** Up to 255 characters. */
  readonly description?: string;
}

/** A port to make. */
export interface PortOrder {
  readonly network_id: string;
  readonly name: string;
  readonly device_id: string;
  readonly device_owner: string;
  readonly description?: string;
  /** Undefined: an address of each family that the network has. */
  readonly fixed_ips?: readonly AddressAsked[];
  /** Undefined: the project's group named `default`. */
  readonly security_groups?: readonly string[];
  /** Needs the extension `tag-ports-during-bulk-creation`. */
  readonly tags?: readonly string[];
}

/** Exact matches. */
export interface PortFilter {
  readonly name?: string;
  readonly description?: string;
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

  /** Those of a network that the login may see. */
  async subnets(networkId: string, { signal }: CallOptions = {}): Promise<Subnet[]> {
    const query = new URLSearchParams({ network_id: networkId });
    const all = await listed(this.#service, 'subnets', query, subnetSchema, signal);
    return all.filter((one) => one.network_id === networkId);
  }

  router(id: string, options: CallOptions = {}): Promise<Sight<Router>> {
    return this.#look('router', id, routerSchema, options);
  }

  /**
   * Adds static routes to a router, or none of them. Those that it has stay. Neutron keeps a route with the same
   * destination by way of another address beside the new one. Throws OPENSTACK_ROUTES_FULL.
   */
  addRoutes(
    routerId: string,
    routes: readonly Router['routes'][number][],
    options: CallOptions = {},
  ): Promise<void> {
    return this.#changeRoutes('add_extraroutes', routerId, routes, options);
  }

  /** Removes static routes whose text is exactly this. One that is not there is no failure. */
  removeRoutes(
    routerId: string,
    routes: readonly Router['routes'][number][],
    options: CallOptions = {},
  ): Promise<void> {
    return this.#changeRoutes('remove_extraroutes', routerId, routes, options);
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

  /**
   * Makes one port. Of a request for several ports that it refuses, Neutron 21 loses the addresses: no port has them
   * afterwards, and none can get them (`allocate_ips_for_ports` of its ML2 plugin).
   */
  async createPort(port: PortOrder, { signal }: CallOptions = {}): Promise<Port> {
    const action = `make a port in network ${port.network_id}`;
    const answer = await this.#service.call({
      method: 'POST',
      path: '/ports',
      action,
      body: { port },
      signal,
    });
    return decoded(z.object({ port: portSchema }), answer, this.#service.name, action).port;
  }

  /** One that is not there is no failure. A floating IP that leads to it stays, and leads nowhere. */
  async deletePort(id: string, { signal }: CallOptions = {}): Promise<void> {
    const path = `/ports/${encodeURIComponent(id)}`;
    await this.#service.look({ method: 'DELETE', path, action: `delete port ${id}`, signal });
  }

  /** The floating IPs that lead to a port. */
  async floatingIpsOf(portId: string, options: CallOptions = {}): Promise<FloatingIp[]> {
    const query = new URLSearchParams({ port_id: portId });
    const all = await listed(this.#service, 'floatingips', query, floatingIpSchema, options.signal);
    return all.filter((one) => one.port_id === portId);
  }

  floatingIp(id: string, options: CallOptions = {}): Promise<Sight<FloatingIp>> {
    return this.#look('floatingip', id, floatingIpSchema, options);
  }

  /**
   * The floating IPs of the login's project with this address, or with exactly this description. An administrator is
   * shown those of other projects too.
   */
  async floatingIps(
    filter: { readonly floating_ip_address: string } | { readonly description: string },
    { signal }: CallOptions = {},
  ): Promise<FloatingIp[]> {
    const query = new URLSearchParams(filter);
    const all = await listed(this.#service, 'floatingips', query, floatingIpSchema, signal);
    const project = await this.#service.projectId(signal);
    const matches = Object.entries({ ...filter, project_id: project });
    return all.filter((one) => matches.every(([field, value]) => one[field as keyof FloatingIp] === value));
  }

  /** Makes a floating IP that leads nowhere yet. */
  async createFloatingIp(
    networkId: string,
    description: string,
    { signal }: CallOptions = {},
  ): Promise<FloatingIp> {
    const action = `make a floating IP in network ${networkId}`;
    const body = { floatingip: { floating_network_id: networkId, description } };
    const answer = await this.#service.call({ method: 'POST', path: '/floatingips', action, body, signal });
    return decoded(z.object({ floatingip: floatingIpSchema }), answer, this.#service.name, action).floatingip;
  }

  async deleteFloatingIp(id: string, { signal }: CallOptions = {}): Promise<void> {
    const path = `/floatingips/${encodeURIComponent(id)}`;
    await this.#service.call({ method: 'DELETE', path, action: `delete floating IP ${id}`, signal });
  }

  /** Leads a floating IP to one address of a port, whatever it led to before. */
  async associate(
    floatingIpId: string,
    to: { readonly portId: string; readonly address: string },
    { signal }: CallOptions = {},
  ): Promise<void> {
    await this.#lead(floatingIpId, { port_id: to.portId, fixed_ip_address: to.address }, 'associate', signal);
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
   * whatever the revision. A new description in the same call makes it look.
   */
  async updatePort(
    id: string,
    change: PortChange,
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
    await this.#lead(floatingIpId, { port_id: null }, 'disassociate', signal);
  }

  async #lead(
    floatingIpId: string,
    floatingip: { readonly port_id: string | null; readonly fixed_ip_address?: string },
    verb: 'associate' | 'disassociate',
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const path = `/floatingips/${encodeURIComponent(floatingIpId)}`;
    const action = `${verb} floating IP ${floatingIpId}`;
    await this.#service.call({ method: 'PUT', path, action, body: { floatingip }, signal });
  }

  /** Needs the extension `extraroute-atomic`: each call is done as a whole, beside calls of other programs. */
  async #changeRoutes(
    verb: 'add_extraroutes' | 'remove_extraroutes',
    routerId: string,
    routes: readonly Router['routes'][number][],
    { signal }: CallOptions,
  ): Promise<void> {
    const path = `/routers/${encodeURIComponent(routerId)}/${verb}`;
    const action = `${verb === 'add_extraroutes' ? 'add routes to' : 'remove routes of'} router ${routerId}`;
    await this.#service.call({ method: 'PUT', path, action, body: { router: { routes } }, signal });
  }

  async #readExtensions({ signal }: CallOptions): Promise<ReadonlySet<string>> {
    const action = 'list extensions';
    const answer = await this.#service.call({ method: 'GET', path: '/extensions', action, signal });
    const schema = z.object({ extensions: z.array(z.object({ alias: z.string() })) });
    const { extensions } = decoded(schema, answer, this.#service.name, action);
    return new Set(extensions.map(({ alias }) => alias));
  }

  async #look<T>(
    kind: 'port' | 'network' | 'subnet' | 'router' | 'floatingip',
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
