// The controllers of this folder on an API server in memory.

import { setTimeout as sleep } from 'node:timers/promises';
import { resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { type Clock, silentLogger, systemClock } from '#base';
import { ifFound } from '#kube';
import { FakeKube } from '#kube/testing';
import { type AutomaticPoolSettings, defaultAutomaticPools } from '#plan/subnet';
import { Controllers, Informers } from '#reconcile';
import { addressKinds } from '../kinds.ts';
import { RecordChecks } from '../record-checks.ts';
import { subnetControllers } from './index.ts';

const P = 'ipam.spidernet.io/';
export const UID = 'c8f2a0d4-0d2b-4a3e-9f5c-b1a361c7e9df';
export const ETH0 = 'auto-app-v4-eth0-b1a361c7e9df';
/** One NIC with addresses of the subnet, one more than pods. */
export const fromSubnet = (subnet: string, more: Record<string, string> = {}): Record<string, string> => ({
  [`${P}subnet`]: JSON.stringify({ ipv4: [subnet] }),
  [`${P}ippool-ip-number`]: '+1',
  ...more,
});

export class Stage {
  readonly kube = new FakeKube();
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;
  #informers: Informers<typeof addressKinds> | undefined;

  readonly #settings: Partial<AutomaticPoolSettings>;

  constructor(clock: Clock = systemClock, settings: Partial<AutomaticPoolSettings> = {}) {
    this.#clock = clock;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    const shared = { client: this.kube, clock: this.#clock, log: silentLogger };
    this.#informers = new Informers(shared, addressKinds);
    const informers = this.#informers;
    const controllers = new Controllers({
      ...{ ...shared, informers },
      controllers: subnetControllers({
        ...shared,
        informers,
        records: new RecordChecks(),
        automaticPools: { ...defaultAutomaticPools, ...this.#settings },
      }),
    });
    void informers.start();
    this.#running = controllers.run(this.#stop.signal);
    await informers.ready;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#informers?.stop();
    await this.#running;
  }

  /** A subnet of ten addresses. */
  async subnet(name: string, network = '10.6'): Promise<void> {
    const spec = {
      ipVersion: 4 as const,
      subnet: `${network}.0.0/16`,
      ips: [`${network}.0.10-${network}.0.19`],
    };
    await this.kube.create(resources.spiderSubnets, { metadata: { name }, spec });
  }

  async deployment(annotations: Record<string, string>, replicas: number): Promise<void> {
    const template = { metadata: { annotations }, spec: { containers: [] } };
    const metadata = { namespace: 'default', name: 'app', uid: UID };
    await this.kube.create(resources.deployments, { metadata, spec: { selector: {}, template, replicas } });
  }

  async change(spec: object): Promise<void> {
    const ref = { namespace: 'default', name: 'app' };
    await this.kube.patch(resources.deployments, ref, { type: 'merge', body: { spec } });
  }

  async scale(replicas: number): Promise<void> {
    await this.change({ replicas });
  }

  async pool(name = ETH0): Promise<SpiderIPPool | undefined> {
    return await ifFound(this.kube.get(resources.spiderIPPools, { name }));
  }

  async subnetNow(name = 's'): Promise<SpiderSubnet | undefined> {
    return await ifFound(this.kube.get(resources.spiderSubnets, { name }));
  }

  /** Ranges of the pool, and how many addresses of its subnet are taken. */
  async sizes(name = ETH0, subnet = 's'): Promise<string> {
    const pool = await this.pool(name);
    const { status } = (await this.subnetNow(subnet)) ?? {};
    return `${pool?.spec?.ips?.join(' ') ?? 'none'}; ${status?.allocatedIPCount} of ${status?.totalIPCount}`;
  }

  /** Writes the records of the pool, as an agent does. */
  async hold(name: string, records: Record<string, { pod: string; podUid: string }>): Promise<void> {
    const status = { allocatedIPs: JSON.stringify(records), allocatedIPCount: Object.keys(records).length };
    await this.kube.patch(
      resources.spiderIPPools,
      { name },
      { type: 'merge', body: { status }, subresource: 'status' },
    );
  }

  /** Waits until `look` gives this. The last answer is in the error. */
  async until<T>(look: () => Promise<T>, wanted: T): Promise<void> {
    let answer: T | undefined;
    for (let turn = 0; turn < 400; turn++) {
      answer = await look();
      if (JSON.stringify(answer) === JSON.stringify(wanted)) return;
      await sleep(10);
    }
    throw new Error(`still ${JSON.stringify(answer)}, not ${JSON.stringify(wanted)}`);
  }
}
