// The network under the VMs: a bridge for each network of Neutron, the namespaces of the VMs, and that of the router. It
// does what Neutron's agents do: it reads the real API again and again, and obeys.

import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../../e2e/program.ts';
import { Api, type PortObject } from '../scene.ts';
import { admin } from '../servers/place.ts';
import { type CloudScene, outside } from './cloud-scene.ts';
import { type FilteredPort, spoofFilter, translation } from './filters.ts';

interface Port extends PortObject {
  readonly network_id: string;
  readonly device_owner: string;
  readonly device_id: string;
  readonly port_security_enabled: boolean;
  readonly allowed_address_pairs: FilteredPort['pairs'];
}
interface Route {
  readonly destination: string;
  readonly nexthop: string;
}
interface Floating {
  readonly floating_ip_address: string;
  readonly fixed_ip_address: string | null;
}

export const VROUTER = 'vrouter';
const OUTER_LINK = 'qg0';
const LOOK_MS = 400;

const ip = (...lines: readonly string[]) => runProgram('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
const nft = (space: string | undefined, text: string) => {
  const [command, ...words] = space === undefined ? ['nft'] : ['ip', 'netns', 'exec', space, 'nft'];
  return runProgram(command ?? 'nft', [...words, '-f', '-'], text);
};
const addressOf = ({ fixed_ips: [own] }: PortObject): string => own?.ip_address ?? '';
const prefixOf = (cidr: string | undefined): string => cidr?.split('/')[1] ?? '24';

export class CloudNetwork {
  readonly #scene: CloudScene;
  readonly #operator: Api;
  /** What the kernel has: only changes are written. */
  readonly #written = new Map<string, string>();
  #routes: ReadonlySet<string> = new Set();
  #stopped = false;
  #running: Promise<void> | undefined;
  /** The router's own address outside. */
  #gateway = '';

  private constructor(scene: CloudScene, operator: Api) {
    this.#scene = scene;
    this.#operator = operator;
  }

  static async start(scene: CloudScene): Promise<CloudNetwork> {
    const network = new CloudNetwork(scene, await Api.of(admin));
    await network.#build();
    await network.#obey();
    network.#running = network.#obeyOn();
    return network;
  }

  get gateway(): string {
    return this.#gateway;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** How many packets of VMs were dropped since the rules last changed. */
  dropped(): number {
    const text = runProgram('nft', ['list', 'table', 'bridge', 'openstack']);
    return [...text.matchAll(/counter packets (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async #ports(): Promise<Port[]> {
    return (await this.#operator.neutron<{ ports: Port[] }>('GET', '/ports')).ports;
  }

  async #build(): Promise<void> {
    const { networks, vms, routerId, outerId } = this.#scene;
    const ports = (await this.#ports()).filter(({ device_id }) => device_id === routerId);
    const outer = ports.find(({ network_id }) => network_id === outerId);
    if (outer === undefined) throw new Error('the router has no port outside');
    this.#gateway = addressOf(outer);
    runProgram('ip', ['netns', 'add', VROUTER]);
    ip(
      `link add outside0 type veth peer name ${OUTER_LINK} netns ${VROUTER}`,
      `address add ${outside.address}/24 dev outside0`,
      'link set outside0 up',
    );
    const lines = [
      `link set ${OUTER_LINK} address ${outer.mac_address} up`,
      `address add ${this.#gateway}/24 dev ${OUTER_LINK}`,
      `route add default via ${outside.address}`,
    ];
    for (const [i, { id, cidr }] of networks.entries()) {
      const port = ports.find(({ network_id }) => network_id === id);
      if (port === undefined) throw new Error(`the router has no port in network ${id}`);
      ip(
        `link add net${i} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
        `link set net${i} up`,
        `link add net${i}-qr type veth peer name qr${i} netns ${VROUTER}`,
        `link set net${i}-qr master net${i} up`,
      );
      lines.push(
        `link set qr${i} address ${port.mac_address} up`,
        `address add ${addressOf(port)}/${prefixOf(cidr)} dev qr${i}`,
      );
      for (const vm of vms.filter(({ networkId }) => networkId === id)) this.#addVm(vm, i, addressOf(port));
    }
    runProgram('ip', ['-n', VROUTER, '-batch', '-'], `${lines.join('\n')}\n`);
    forward(VROUTER);
  }

  #addVm({ name, port, address }: CloudScene['vms'][number], network: number, gateway: string): void {
    runProgram('ip', ['netns', 'add', name]);
    ip(
      `link add vm-${name} type veth peer name eth0 netns ${name}`,
      `link set vm-${name} master net${network} up`,
    );
    const lines = [
      // The kernel parts the local routes from table main now, and not while programs speak.
      'rule add priority 32765 lookup main',
      'link set lo up',
      `link set eth0 address ${port.mac_address} up`,
      `address add ${address}/${prefixOf(this.#scene.networks[network]?.cidr)} dev eth0`,
      `route add default via ${gateway}`,
    ];
    runProgram('ip', ['-n', name, '-batch', '-'], `${lines.join('\n')}\n`);
    // Kubernetes asks for it on every node.
    forward(name);
  }

  async #obeyOn(): Promise<void> {
    while (!this.#stopped) {
      await sleep(LOOK_MS);
      await this.#obey();
    }
  }

  /** Brings bridges and router to what the API says now. */
  async #obey(): Promise<void> {
    const [ports, { router }, { floatingips }] = await Promise.all([
      this.#ports(),
      this.#operator.neutron<{ router: { routes: Route[] } }>('GET', `/routers/${this.#scene.routerId}`),
      this.#operator.neutron<{ floatingips: Floating[] }>('GET', '/floatingips'),
    ]);
    const filtered = this.#scene.vms.flatMap(({ name, port: { id } }): FilteredPort[] => {
      const port = ports.find((one) => one.id === id);
      if (port === undefined) return [];
      const { mac_address: mac, port_security_enabled: hasSecurity, allowed_address_pairs: pairs } = port;
      const fixedIps = port.fixed_ips.map(({ ip_address }) => ip_address);
      return [{ link: `vm-${name}`, mac, hasSecurity, fixedIps, pairs }];
    });
    this.#write('ports', spoofFilter(filtered), (text) => nft(undefined, text));
    const floating = floatingips.flatMap(({ floating_ip_address: outer, fixed_ip_address: inner }) =>
      inner === null ? [] : { outer, inner },
    );
    const rules = translation({ link: OUTER_LINK, gateway: this.#gateway, floatingIps: floating });
    this.#write('translations', rules, (text) => {
      // The router answers for them outside.
      for (const { outer } of floating)
        runProgram('ip', ['-n', VROUTER, 'address', 'replace', `${outer}/32`, 'dev', OUTER_LINK]);
      nft(VROUTER, text);
    });
    this.#route(new Set(router.routes.map(({ destination, nexthop }) => `${destination} via ${nexthop}`)));
  }

  #write(what: string, text: string, write: (text: string) => void): void {
    if (this.#written.get(what) === text) return;
    write(text);
    this.#written.set(what, text);
  }

  #route(wanted: ReadonlySet<string>): void {
    const route = (verb: string, text: string) =>
      runProgram('ip', ['-n', VROUTER, 'route', verb, ...text.split(' ')]);
    for (const text of this.#routes) if (!wanted.has(text)) route('delete', text);
    for (const text of wanted) if (!this.#routes.has(text)) route('add', text);
    this.#routes = wanted;
  }
}

function forward(space: string): void {
  runProgram('ip', ['netns', 'exec', space, 'tee', '/proc/sys/net/ipv4/ip_forward'], '1');
}
