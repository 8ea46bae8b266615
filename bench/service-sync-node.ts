// The tables of a large cluster's Services, as an agent fills them, for the benchmark of Services: a process that obeys its
// parent.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { EndpointSlice, Service } from '#api';
import { LogLines } from '#base/testing';
import { primeThreads, ServiceRules } from '#kernel';
import { removeSocketBalancer, SocketBalancer } from '#kernel/bpf';
import { PacketSync } from '../src/agent/services/packet-sync.ts';
import { ServiceSync } from '../src/agent/services/service-sync.ts';
import { slimEndpointSlices, slimServices } from '../src/agent/services/slim-kinds.ts';
import { coverFolders } from '../test/e2e/namespaces.ts';
import { runProgram } from '../test/e2e/program.ts';
import { obeyParent } from './node-process.ts';

export type SyncOrder =
  | {
      readonly do: 'measure';
      readonly services: number;
      readonly endpoints: number;
      readonly changes: number;
    }
  | {
      readonly do: 'measure-packets';
      readonly services: number;
      readonly endpoints: number;
      readonly changes: number;
    }
  | { readonly do: 'stop' };

export interface SyncFigures {
  /** From empty tables, and by an agent that starts again. */
  readonly firstMs: number;
  readonly againMs: number;
  /** From a changed EndpointSlice to the kernel, each. */
  readonly changeMs: readonly number[];
  /** What the process has more than with 10 Services, and the kernel's maps. */
  readonly moreMb: number;
}

/** The same of the nftables rules in place of kube-proxy. */
export type PacketFigures = Omit<SyncFigures, 'moreMb'>;

/** The Services of a cluster, as the agent's watch keeps them. */
class Cluster {
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  #changed = new Set<string>();

  constructor(services: number, endpoints: number) {
    for (let number = 0; number < services; number++) {
      const [namespace, name] = ['shop', `service-${number}`];
      const place = `${number >> 8}.${number & 255}`;
      const ports = [{ name: 'web', port: 80, protocol: 'TCP', targetPort: 8080 }];
      const service = { metadata: { namespace, name }, spec: { clusterIP: `10.97.${place}`, ports } };
      const slice = {
        metadata: { namespace, name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
        endpoints: Array.from({ length: endpoints }, (_, index) => ({
          addresses: [`10.${100 + index}.${place}`],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: `node-${index}`,
        })),
      };
      this.#services.set(`${namespace}/${name}`, slimServices.schema.parse(service));
      this.#slices.set(`${namespace}/${name}`, slimEndpointSlices.schema.parse(slice));
    }
  }

  keys = () => [...this.#services.keys()];
  service = (key: string) => this.#services.get(key);
  slices = (key: string) => [this.#slices.get(key) as EndpointSlice];
  takeChanged = () => {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  };

  /** Takes an endpoint of a Service away. */
  change(number: number): void {
    const key = `shop/service-${number}`;
    const slice = this.#slices.get(key) as EndpointSlice;
    this.#slices.set(key, { ...slice, endpoints: (slice.endpoints ?? []).slice(1) });
    this.#changed.add(key);
  }
}

const here = { name: 'node-0', zone: undefined, addresses: [], usesExternalIps: false };

class SyncNode {
  readonly #cgroup: string;
  readonly #pins: string;

  constructor() {
    coverFolders();
    const folder = mkdtempSync('/run/bench-');
    for (const kind of ['bpf', 'cgroup2']) {
      mkdirSync(join(folder, kind));
      runProgram('mount', ['-t', kind, 'none', join(folder, kind)]);
    }
    this.#cgroup = join(folder, 'cgroup2', `ow-${basename(folder)}`);
    mkdirSync(this.#cgroup);
    this.#pins = join(folder, 'bpf/orbweaver');
  }

  async measure(services: number, endpoints: number, changes: number): Promise<SyncFigures> {
    const before = process.memoryUsage.rss();
    const view = new Cluster(services, endpoints);
    const tables = SocketBalancer.open({ cgroup: this.#cgroup, pins: this.#pins });
    const start = () =>
      new ServiceSync({
        ...{ tables, view, more: [], log: new LogLines() },
        here: () => here,
      });
    try {
      const first = start();
      const firstMs = await timed(() => first.all());
      const moreMb = (process.memoryUsage.rss() - before + mapBytes()) / 1e6;
      const changeMs = await timedChanges(view, first, changes);
      return { firstMs, againMs: await timed(() => start().all()), changeMs, moreMb };
    } finally {
      tables.close();
      removeSocketBalancer(this.#pins);
    }
  }

  async measurePackets(services: number, endpoints: number, changes: number): Promise<PacketFigures> {
    const view = new Cluster(services, endpoints);
    const rules = new ServiceRules();
    const start = () =>
      new PacketSync({
        ...{ rules, view, log: new LogLines() },
        here: () => here,
        inside: () => [],
        failed: () => {},
      });
    try {
      const first = start();
      const firstMs = await timed(() => first.all());
      const changeMs = await timedChanges(view, first, changes);
      return { firstMs, againMs: await timed(() => start().all()), changeMs };
    } finally {
      await rules.remove();
      rules.close();
    }
  }

  stop(): void {
    rmdirSync(this.#cgroup);
  }
}

async function timedChanges(
  view: Cluster,
  sync: { changed(): Promise<void> },
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; number < count; number++) {
    view.change(number);
    times.push(await timed(() => sync.changed()));
  }
  return times;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** What the kernel counts for the BPF objects that this process has open (bpf_map_show_fdinfo). */
function mapBytes(): number {
  let bytes = 0;
  for (const name of readdirSync('/proc/self/fdinfo')) {
    try {
      bytes += Number(
        /^memlock:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1] ?? 0,
      );
    } catch (error) {
      // The descriptor of the folder itself.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return bytes;
}

const made = new SyncNode();

obeyParent<SyncOrder>(async (order) => {
  switch (order.do) {
    case 'measure':
      await made.measure(10, order.endpoints, 1);
      return made.measure(order.services, order.endpoints, order.changes);
    case 'measure-packets':
      await primeThreads();
      return made.measurePackets(order.services, order.endpoints, order.changes);
    case 'stop':
      return made.stop();
  }
});
