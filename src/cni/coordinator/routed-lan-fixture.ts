// For root tests: two LANs behind one router, a client on a third network, a node on both LANs, and a pod. Each has its
// own network namespace. The router drops packets that arrive from the wrong LAN.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseAddress } from '#ip';
import { openNetns, PacketSocket } from '#kernel';
import { ip } from '../../../test/fixtures/ip-command.ts';
import { routerAdvertisement } from './router-advertisement-fixture.ts';

export { ip };

/** Runs one `ip` command line in a namespace. */
function run(namespace: string, line: string): string {
  return ip('-n', namespace, ...line.split(' '));
}

export const CLIENT = { 4: '10.9.0.2', 6: 'fd00:10:9::2' } as const;
/** The link-local address of ee:ee:ee:ee:ee:ee, which Calico gives to all its links on a node. */
export const CALICO_GATEWAY_6 = 'fe80::ecee:eeff:feee:eeee';
export const NODE = { 4: '10.6.212.101', 6: 'fd00:10:6::101' } as const;

/** Names contain the process id, so that parallel test runs do not collide. */
export class RoutedLan implements Disposable {
  readonly router: string;
  readonly client: string;
  readonly node: string;
  readonly pod: string;
  readonly #made: string[] = [];

  constructor() {
    const prefix = `owcm${process.pid}`;
    this.router = `${prefix}-router`;
    this.client = `${prefix}-client`;
    this.node = `${prefix}-node`;
    this.pod = `${prefix}-pod`;
    for (const namespace of [this.router, this.client, this.node, this.pod]) {
      ip('netns', 'add', namespace);
      this.#made.push(namespace);
      run(namespace, 'link set lo up');
      // Without DAD, link-local addresses can also be used at once.
      this.#sysctl(namespace, 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0');
    }
    try {
      this.#join();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  path(namespace: string): string {
    return `/run/netns/${namespace}`;
  }

  #join(): void {
    const { router, client, node } = this;
    this.#sysctl(router, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    for (const [lan, nic] of [
      [6, 'eth0'],
      [7, 'eth1'],
    ] as const) {
      run(router, `link add br${lan} up type bridge mcast_snooping 0`);
      run(router, `address add 10.${lan}.0.1/16 dev br${lan}`);
      run(router, `address add fd00:10:${lan}::1/64 dev br${lan} nodad`);
      this.#sysctl(router, `net.ipv4.conf.br${lan}.rp_filter=1`);
      run(router, `link add p${lan} master br${lan} up type veth peer name ${nic} netns ${node}`);
      run(node, `link set ${nic} up`);
    }
    // IPv6 has no rp_filter. This rule drops packets from a LAN whose source is not of that LAN.
    const strict =
      'table ip6 strict { chain pre { type filter hook prerouting priority -300; ip6 saddr fd00::/8 fib saddr . iif oif missing drop; }; }';
    execFileSync('ip', ['netns', 'exec', router, 'nft', '-f', '-'], { input: strict });
    run(router, `link add p9 up type veth peer name eth0 netns ${client}`);
    run(router, 'address add 10.9.0.1/24 dev p9');
    run(router, 'address add fd00:10:9::1/64 dev p9 nodad');
    run(client, 'link set eth0 up');
    run(client, `address add ${CLIENT[4]}/24 dev eth0`);
    run(client, `address add ${CLIENT[6]}/64 dev eth0 nodad`);
    run(client, 'route add default via 10.9.0.1');
    run(client, 'route add default via fd00:10:9::1');
    run(node, `address add ${NODE[4]}/16 dev eth0`);
    run(node, `address add ${NODE[6]}/64 dev eth0 nodad`);
    run(node, 'route add default via 10.6.0.1');
    run(node, 'route add default via fd00:10:6::1');
    this.#sysctl(node, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    this.#sysctl(node, 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0');
    // As on a distribution with strict rp_filter by default: the plan must relax each NIC.
    this.#sysctl(this.pod, 'net.ipv4.conf.default.rp_filter=1');
  }

  #sysctl(namespace: string, ...settings: string[]): void {
    const lines = settings.map((setting) => {
      const [key = '', value] = setting.split('=');
      return `echo ${value} >/proc/sys/${key.replaceAll('.', '/')}`;
    });
    execFileSync('ip', ['netns', 'exec', namespace, 'sh', '-ec', lines.join('\n')], { stdio: 'pipe' });
  }

  /** The router of a LAN sends an advertisement of itself and a prefix. */
  advertise(lan: 6 | 7, prefix: string): void {
    const shown = run(this.router, `address show dev br${lan}`);
    const [, mac = ''] = /link\/ether (\S+)/.exec(shown) ?? [];
    const [, linkLocal = ''] = /inet6 (fe80\S+)\/64/.exec(shown) ?? [];
    using netns = openNetns(this.path(this.router));
    const socket = new PacketSocket({ netns, dev: `br${lan}`, protocol: 'nd' });
    socket.send(routerAdvertisement(mac, parseAddress(linkLocal), parseAddress(prefix)));
    socket.close();
  }

  /**
   * Makes what the macvlan plugin leaves in the pod. Its default route comes before another one (IPv4) or joins it
   * (IPv6).
   */
  addMacvlan(name: string, parent: string, cidrs: readonly string[], gateways: readonly string[]): void {
    run(this.node, `link add mv0 link ${parent} type macvlan mode bridge`);
    run(this.node, `link set mv0 netns ${this.pod} name ${name}`);
    run(this.pod, `link set ${name} up`);
    for (const cidr of cidrs) {
      run(this.pod, `address add ${cidr} dev ${name}${cidr.includes(':') ? ' nodad' : ''}`);
    }
    for (const gateway of gateways) {
      const way = `default via ${gateway} dev ${name}`;
      run(this.pod, gateway.includes(':') ? `-6 route append ${way}` : `route prepend ${way}`);
    }
  }

  /**
   * Makes what Calico leaves: a veth whose end on the node answers for every address. For IPv6, its link-local address
   * is the gateway.
   */
  addCalico(link: string, address: string, address6?: string, nic = 'eth0'): void {
    const { node, pod } = this;
    run(node, `link add ${link} address ee:ee:ee:ee:ee:ee up type veth peer name ${nic} netns ${pod}`);
    this.#sysctl(node, `net.ipv4.conf.${link}.proxy_arp=1`);
    run(node, `route add ${address} dev ${link}`);
    run(pod, `link set ${nic} up`);
    run(pod, `address add ${address}/32 dev ${nic}`);
    run(pod, `route add 169.254.1.1 dev ${nic}`);
    run(pod, `route add default via 169.254.1.1 dev ${nic}`);
    if (address6 === undefined) return;
    run(node, `route add ${address6} dev ${link}`);
    run(pod, `address add ${address6}/128 dev ${nic} nodad`);
    run(pod, `route add default via ${CALICO_GATEWAY_6} dev ${nic}`);
  }

  /** The output of iproute2 in the order of the words, without the parts that are the same in all our tests. */
  show(where: 'pod' | 'node', line: string): string[] {
    return this.raw(where, line)
      .map((text) => text.replaceAll(/ (proto (79|kernel|boot)|pref medium|linkdown)\b/g, ''))
      .filter((text) => !text.startsWith('fe80::/64'))
      .sort();
  }

  /** The lines of iproute2's output, with single spaces. */
  raw(where: 'pod' | 'node', line: string): string[] {
    return run(this[where], line)
      .split('\n')
      .map((text) => text.replaceAll(/\s+/g, ' ').trim())
      .filter((text) => text !== '');
  }

  [Symbol.dispose](): void {
    for (const namespace of this.#made.toReversed()) ip('netns', 'del', namespace);
  }
}

const SERVER = `
  const server = require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (part) => socket.end(socket.remoteAddress.replace('::ffff:', '') + ' ' + part));
  });
  server.listen(80, '::', () => process.stdout.write('listening'));`;

const ASK = `
  const [host, port, localAddress] = process.argv.slice(1);
  const options = { host, port: Number(port), ...(localAddress && { localAddress }) };
  const socket = require('node:net').connect(options, () => socket.write('hello'));
  socket.setTimeout(2500, () => { process.stdout.write('silence'); process.exit(0); });
  socket.on('error', (error) => { process.stdout.write(error.code); process.exit(0); });
  socket.pipe(process.stdout);`;

/** Runs `ask` with a TCP server on port 80 of the namespace. The server answers with the client address that it saw. */
export async function withServer<T>(namespace: string, ask: () => T | Promise<T>): Promise<T> {
  const server = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(server.stdout, 'data');
    return await ask();
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

/** Returns `10.9.0.2 hello`, `silence`, or the error's code. */
export function ask(namespace: string, host: string, { port = 80, from = '' } = {}): string {
  const words = ['netns', 'exec', namespace, process.execPath, '-e', ASK, host, String(port), from];
  return execFileSync('ip', words, { encoding: 'utf8' });
}
