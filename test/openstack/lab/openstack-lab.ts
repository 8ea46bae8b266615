// The lab from the first server to the last line of its table.

import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { type Seen, seen, serveIn } from '../../e2e/cloud-site.ts';
import { Api, environmentOf } from '../scene.ts';
import { Cloud } from '../servers/cloud.ts';
import { startCloud } from '../servers/installation.ts';
import { CloudNetwork } from './cloud-network.ts';
import { type CloudScene, makeCloudScene, outside, type Vm } from './cloud-scene.ts';
import { LabCluster, SERVICE_CIDR } from './cluster.ts';
import { type Configuration, configurations } from './configurations.ts';
import { VmProcess } from './vm-process.ts';
import {
  type Addresses,
  type Cell,
  cellOf,
  FLOATING_POD,
  noWay,
  OUTSIDE,
  podsOfLab,
  tableText,
  type Way,
  ways,
} from './ways.ts';

/** A way may need the controller, an agent and the cloud's network first. */
const WAY_DEADLINE_MS = 20_000;
/** Of the nodes' subnet, and outside of its allocation pools: no port has it. */
const REFUSED_SOURCE = '10.6.0.50';

export class OpenStackLab {
  readonly #cloud: Cloud;
  readonly #root: string;
  readonly #say: (line: string) => void;
  readonly #cluster = new LabCluster();
  readonly #vms = new Map<string, VmProcess>();
  #network: CloudNetwork | undefined;
  #outside: Awaited<ReturnType<typeof serveIn>> | undefined;

  /** `root` has the unpacked servers. */
  constructor(root: string, say: (line: string) => void) {
    this.#root = root;
    this.#say = say;
    this.#cloud = new Cloud(root, { maximumRoutes: 30, maximumAddressPairs: 10, maximumNics: 4 });
  }

  /** Resolves with whether every way of every configuration works. */
  async run(): Promise<boolean> {
    await this.#step('Keystone, Placement, Neutron and Nova', () => startCloud(this.#cloud, this.#root));
    const api = await Api.of();
    const scene = await this.#step('two networks, a router, three VMs', () => makeCloudScene(api));
    await this.#step('bridges and vrouter, which obey Neutron', async () => {
      this.#network = await CloudNetwork.start(scene);
      this.#outside = await serveIn(undefined);
    });
    await this.#step('controller, and an agent on each VM', () => this.#startNodes(scene));
    const columns: Cell[][] = [];
    let isFiltered = true;
    for (const configuration of configurations) {
      const [first, second] = configuration.title;
      columns.push(await this.#step(`${first}, ${second}`, () => this.#try(configuration, api, scene)));
      if (configuration === configurations[0]) isFiltered = await this.#refusesForeignSource(scene);
    }
    const rows = ways.map(({ name }, i) => ({ name, cells: columns.map((cells) => cells[i] ?? noWay) }));
    const titles = configurations.map(({ title }) => title);
    this.#say(`\n${tableText(titles, rows)}`);
    const filter = isFiltered ? 'is dropped' : 'PASSES';
    this.#say(`\na packet of node1 from ${REFUSED_SOURCE}, which its port does not have, ${filter}`);
    return isFiltered && columns.flat().every(({ ok }) => ok !== false);
  }

  async stop(): Promise<void> {
    await this.#network?.stop();
    this.#outside?.kill();
    await Promise.all(Array.from(this.#vms.values(), (vm) => vm.stop()));
    await this.#cluster.stop();
    await this.#cloud.stop();
  }

  async #step<T>(what: string, run: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const value = await run();
    this.#say(`${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${what}`);
    return value;
  }

  async #startNodes({ vms }: CloudScene): Promise<void> {
    await this.#cluster.start(vms);
    await Promise.all(
      vms.map(async ({ name: node }) => {
        const vm = new VmProcess(node);
        this.#vms.set(node, vm);
        const { kubeconfig } = this.#cluster;
        await vm.do('start', { kubeconfig, node, environment: environmentOf() });
      }),
    );
  }

  async #try(configuration: Configuration, api: Api, scene: CloudScene): Promise<Cell[]> {
    const { allow, pools, onPort } = configuration;
    if (allow !== undefined) await Promise.all(scene.vms.map((vm) => allow(api, vm)));
    for (const pool of pools?.(scene) ?? []) await this.#cluster.client.create(resources.spiderIPPools, pool);
    const floatingIp = onPort ? scene.floatingIp : undefined;
    const of = await this.#addPods(configuration, scene.vms, floatingIp);
    const services = {
      near: await this.#cluster.createService('near', of['pod-b'] ?? ''),
      far: await this.#cluster.createService('far', of['pod-c'] ?? ''),
    };
    const gateway = this.#network?.gateway ?? '';
    const addresses = { of, services, floatingIp, gateway };
    const cells: Cell[] = [];
    for (const way of ways) cells.push(await this.#walk(way, addresses));
    await Promise.all(['near', 'far'].map((name) => this.#cluster.removeService(name)));
    for (const { name, node } of podsOfLab) {
      await this.#vm(node).do('remove', name);
      await this.#cluster.removePod(name);
    }
    return cells;
  }

  async #addPods(
    { network }: Configuration,
    vms: readonly Vm[],
    floatingIp: string | undefined,
  ): Promise<Addresses['of']> {
    const of: Record<string, string> = { [OUTSIDE]: outside.address };
    for (const { name, address } of vms) of[name] = address;
    const add = async ({ name, node }: (typeof podsOfLab)[number]) => {
      const wish = name === FLOATING_POD ? floatingIp : undefined;
      const pod = await this.#cluster.createPod(name, node, wish);
      const address = await this.#vm(node).do('add', network(SERVICE_CIDR), pod);
      await this.#cluster.showAddress(name, address);
      of[name] = address;
    };
    await Promise.all(podsOfLab.map(add));
    return of;
  }

  /** Asks until the answer is right, or the deadline has passed. */
  async #walk(way: Way, addresses: Addresses): Promise<Cell> {
    const to = way.to(addresses);
    if (to === undefined) return noWay;
    for (const deadline = performance.now() + WAY_DEADLINE_MS; ; await sleep(200)) {
      const cell = cellOf(way, addresses, await this.#ask(way.from, to));
      if (cell.ok === true || performance.now() > deadline) return cell;
    }
  }

  async #ask(from: string, to: string): Promise<Seen> {
    if (from === OUTSIDE) return seen(undefined, to);
    const pod = podsOfLab.find(({ name }) => name === from);
    return pod === undefined ? this.#vm(from).do('ask', to) : this.#vm(pod.node).do('ask', to, pod.name);
  }

  /** Whether the bridge drops what a VM sends from an address that is not on its port. */
  async #refusesForeignSource({ vms: [one, two] }: CloudScene): Promise<boolean> {
    if (one === undefined || two === undefined) return false;
    const vm = this.#vm(one.name);
    await vm.do('run', 'ip', 'address', 'add', `${REFUSED_SOURCE}/32`, 'dev', 'eth0');
    const passes = await vm.do('run', 'ping', '-c1', '-W1', '-I', REFUSED_SOURCE, two.address).then(
      () => true,
      () => false,
    );
    await vm.do('run', 'ip', 'address', 'delete', `${REFUSED_SOURCE}/32`, 'dev', 'eth0');
    return !passes && (this.#network?.dropped() ?? 0) > 0;
  }

  #vm(node: string): VmProcess {
    const vm = this.#vms.get(node);
    if (vm === undefined) throw new Error(`there is no VM ${node}`);
    return vm;
  }
}
