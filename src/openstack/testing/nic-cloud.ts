// For tests of NICs of a VM: Neutron and Nova from memory, and an agent that can die before and after each of its steps.
// The real servers are asked by test/openstack.

import type { Clock } from '#base';
import { OrbError, silentLogger } from '#base';
import type { NicLedger } from '#plan/openstack';
import type { PortOrder } from '../neutron.ts';
import type { Port } from '../neutron-objects.ts';
import { NicLedgerFile, VmNics, type VmNicsParts } from '../own-nics/index.ts';

export const SERVER = 'vm';
export const KIND = { networkId: 'lan', groups: null };

/** Every wait is over at once, and is counted. */
export class HastyClock implements Clock {
  ms = 1_700_000_000_000;

  now(): number {
    return this.ms;
  }

  monotonic(): number {
    return this.ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // Turns for what comes by itself.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    this.ms += ms;
  }
}

export class NicCloud {
  readonly ports = new Map<string, Port>();
  readonly clock = new HastyClock();
  readonly folder: string;
  /** Of the VM. Its own NIC is one. */
  slots = 4;
  /** Errors of the next calls, by the name of the call. */
  readonly failures = new Map<string, OrbError>();
  /** Ports come up, and the VM gets their NICs. */
  wires = true;
  /** Whether the login sees the server, and its ports. */
  shows = true;
  readonly freed: string[] = [];
  #next = 1;

  constructor(folder: string) {
    this.folder = folder;
  }

  get attached(): Port[] {
    return [...this.ports.values()].filter(({ device_id }) => device_id === SERVER);
  }

  ledger(): Promise<NicLedger> {
    return new NicLedgerFile(this.folder, SERVER).read();
  }

  /** An agent that dies instead of the step with this number, or right after it, before it knows what came of it. */
  agent(steps = Number.POSITIVE_INFINITY, when: 'before' | 'after' = 'before'): VmNics {
    let left = steps;
    const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const dies = left-- <= 0;
      // The dead do nothing more.
      if (left < -1 || (dies && when === 'before')) throw dead();
      const failure = this.failures.get(name);
      if (failure !== undefined) throw failure;
      const done = await work();
      if (dies) throw dead();
      return done;
    };
    const file = new NicLedgerFile(this.folder, SERVER);
    return new VmNics({
      ...this.client(step),
      file: { read: () => file.read(), update: (change) => step('ledger', () => file.update(change)) },
      serverId: SERVER,
      origin: { node: 'n1', cluster: 'c1' },
      hasLink: (mac) => this.attached.some((port) => port.mac_address === mac),
      linkArrives: (mac, signal) => this.#link(mac, signal),
      clock: this.clock,
      log: silentLogger,
    });
  }

  client(step: Step = (_, work) => work()): Pick<VmNicsParts, 'neutron' | 'nova'> {
    return { neutron: this.#neutron(step), nova: this.#nova(step) };
  }

  /** Nothing but a signal ends the wait for a NIC that does not come. */
  #link(mac: string, signal: AbortSignal): Promise<unknown> {
    if (this.wires && this.attached.some((port) => port.mac_address === mac)) return Promise.resolve(mac);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }

  #neutron(step: Step): VmNicsParts['neutron'] {
    const sight = <T>(value: T | undefined) =>
      value === undefined ? ({ is: 'absent' } as const) : ({ is: 'there', value } as const);
    return {
      createPort: (order) => step('createPort', async () => this.#makePort(order)),
      deletePort: (id) =>
        step('deletePort', async () => {
          this.ports.delete(id);
        }),
      port: (id) => step('port', async () => sight(this.shows ? this.ports.get(id) : undefined)),
      ports: ({ name }) =>
        step('ports', async () => [...this.ports.values()].filter((port) => port.name === name)),
      extensions: async () => new Set(),
      network: () => step('network', async () => sight({ id: 'lan', project_id: 'p', mtu: 1450 })),
      subnet: (id) => step('subnet', async () => sight({ ...subnet, id })),
      floatingIpsOf: (id) => step('floatingIpsOf', async () => [{ ...floating, port_id: id }]),
      disassociate: (id) =>
        step('disassociate', async () => {
          this.freed.push(id);
        }),
    };
  }

  #nova(step: Step): VmNicsParts['nova'] {
    const nics = () =>
      this.attached.map(({ id, network_id, mac_address }) => nicOf(id, network_id, mac_address));
    return {
      interfaces: () =>
        step('interfaces', async () =>
          this.shows ? { is: 'there', value: [nicOf('own', 'lan', 'own'), ...nics()] } : { is: 'absent' },
        ),
      interface: (_, id) =>
        step('interface', async () => {
          const value = nics().find(({ port_id }) => port_id === id);
          return value === undefined || !this.shows ? { is: 'absent' } : { is: 'there', value };
        }),
      attach: (_, id) =>
        step('attach', async () => {
          if (1 + nics().length >= this.slots) {
            const said = 'Failed to attach network adapter device to vm';
            throw new OrbError('OPENSTACK_NICS_FULL', { message: 'Nova answered 500', said });
          }
          this.#change(id, { device_id: SERVER, status: this.wires ? 'ACTIVE' : 'DOWN' });
        }),
      detach: (_, id) => step('detach', async () => this.#change(id, { device_id: '', status: 'DOWN' })),
    };
  }

  #makePort({ name, network_id, description = '' }: PortOrder): Port {
    const id = `port-${this.#next++}`;
    const fixed_ips = [{ subnet_id: 'subnet', ip_address: `10.6.1.${this.#next}` }];
    const port: Port = {
      ...{ id, name, network_id, fixed_ips, mac_address: `mac-${id}`, status: 'DOWN' },
      ...{ project_id: 'p', device_id: '', device_owner: '', description },
      ...{ revision_number: 1, security_groups: [] },
    };
    this.ports.set(id, port);
    return port;
  }

  #change(id: string, fields: Partial<Port>): void {
    const port = this.ports.get(id);
    if (port !== undefined) this.ports.set(id, { ...port, ...fields });
  }
}

type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

const dead = () => new OrbError('INTERNAL', { message: 'the agent has died' });

const nicOf = (port_id: string, net_id: string, mac_addr: string) => ({ port_id, net_id, mac_addr });

const subnet = {
  ...{ network_id: 'lan', cidr: '10.6.0.0/16', ip_version: 4 as const, gateway_ip: '10.6.0.1' },
  ...{ ipv6_address_mode: null, dns_nameservers: ['10.6.0.53'] },
};

const floating = {
  id: 'f',
  project_id: 'p',
  floating_network_id: 'outside',
  floating_ip_address: '192.0.2.9',
  fixed_ip_address: '10.6.1.2',
};
