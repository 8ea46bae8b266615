// The stress run. It starts many ADDs at once. Then it runs pods while it kills agent and shim at random. Nothing may be left at the end.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { Random } from '#base';
import { type Footprint, footprint } from '../../e2e/footprint.ts';
import { OneNode } from '../../e2e/one-node.ts';
import { until } from '../../e2e/program.ts';
import { Sandbox } from '../../e2e/runtime.ts';
import { kernelLines } from '../kernel-state.ts';
import { ChainRunner, macvlanChain } from './chain.ts';
import { Life, networks, type World } from './life.ts';

export interface StressOptions {
  readonly seed: number;
  /** The number of processes to kill, agents and plugins together. */
  readonly kills: number;
  /** The number of parallel ADDs before that. */
  readonly parallel: number;
  /** The maximum time until the agent has finished its queue and the kernel has ended the namespaces. */
  readonly settleMs?: number;
  /** Whether to keep the programs' logs when something was wrong. */
  readonly keepsLogs?: boolean;
  /** Breaks a part of the product. The run must find it. */
  readonly sabotage?: () => void;
}

export interface StressReport {
  readonly operations: number;
  readonly kills: number;
  readonly agentKills: number;
  readonly parallel: number;
  /** Empty when no fault was found. */
  readonly complaints: readonly string[];
}

const WORKERS = 4;
/** The time that the agent runs between two kills. */
const AGENT_LIFE_MS = [300, 2500] as const;
const SETTLE_MS = 60_000;

/** Call it inside separate namespaces: see `insideNamespaces`. */
export async function stress(options: StressOptions): Promise<StressReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-stress-'));
  const node = await OneNode.start({ folder });
  let keeps = options.keepsLogs === true;
  try {
    const report = await runOn(node, options);
    keeps &&= report.complaints.length > 0;
    return report;
  } finally {
    await node.stop();
    if (!keeps) rmSync(folder, { recursive: true });
    else console.error(`the output of the programs is in ${folder}`);
  }
}

async function runOn(node: OneNode, options: StressOptions): Promise<StressReport> {
  const { seed, kills, parallel, settleMs = SETTLE_MS } = options;
  const random = new Random(seed);
  await node.createPool('v4', 4, { ips: ['10.6.1.1-10.6.4.250'] });
  await node.createPool('v6', 6, { ips: ['fd00:10:6::1:0-fd00:10:6::2:0'] });
  const runner = new ChainRunner();
  const world: World = {
    node,
    runner,
    settleMs,
    complaints: [],
    holders: new Map(),
    lost: [],
    empty: emptyNamespace(),
  };
  // The first pods make the objects that a node has only once.
  await atOnce(world, 1);
  const clean = await footprint(node);
  options.sabotage?.();
  await atOnce(world, parallel);
  await expectClean(world, clean, `after ${parallel} ADDs at once and their DELs`);
  const agentKills = await lives(world, kills, random);
  for (const sandbox of world.lost) sandbox.dropNamespace();
  await collectAll(world);
  await expectClean(world, clean, 'after DEL and GC');
  const { operations, kills: pluginKills } = runner;
  const { complaints } = world;
  return { operations, kills: pluginKills + agentKills, agentKills, parallel, complaints };
}

/** Workers run their pods, and the agent is killed from time to time, until enough processes were killed. */
async function lives(world: World, kills: number, random: Random): Promise<number> {
  let agentKills = 0;
  const isDone = () => world.runner.kills + agentKills >= kills || world.complaints.length > 20;
  const work = async (life: Life) => {
    while (!isDone()) await life.live();
  };
  const killer = async (own: Random) => {
    while (!isDone()) {
      await sleep(own.between(...AGENT_LIFE_MS));
      await world.node.agent.stop('SIGKILL');
      agentKills++;
      await world.node.startAgent();
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, n) => new Life(world, String(n), random.fork()));
  await Promise.all([killer(random.fork()), ...workers.map(work)]);
  return agentKills;
}

/** Attaches this number of pods at once, each with different addresses. Then it detaches all at once. */
async function atOnce({ node, runner, complaints }: World, count: number): Promise<void> {
  const chain = macvlanChain('at-once', 'coordinator');
  const attachments = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const { metadata } = await node.createPod(`once-${count}-${n}`);
      const name = metadata.name ?? '';
      const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=${metadata.uid}`;
      return { chain, interfaceName: 'eth0', args, sandbox: new Sandbox({ name }) };
    }),
  );
  const given = new Set<string>();
  const added = await Promise.all(attachments.map((one) => runner.add(one)));
  for (const { ok, said, result } of added) {
    if (!ok) complaints.push(`one of ${count} ADDs at once failed: ${said}`);
    for (const { address } of (result?.ips ?? []) as { address: string }[]) {
      if (given.has(address)) complaints.push(`${address} was given twice`);
      given.add(address);
    }
  }
  for (const { ok, said } of await Promise.all(attachments.map((one) => runner.del(one)))) {
    if (!ok) complaints.push(`one of ${count} DELs at once failed: ${said}`);
  }
  for (const { sandbox } of attachments) {
    sandbox.dropNamespace();
    const ref = { namespace: 'default', name: sandbox.pod.name };
    await node.client.delete(resources.pods, ref, { gracePeriodSeconds: 0 });
  }
}

/** Calls GC like a runtime after a fresh start: no attachment of these networks is valid any more. */
async function collectAll({ node, runner, complaints }: World): Promise<void> {
  await until(
    'the queue of DELs is empty',
    async () => (await footprint(node)).queue.length === 0,
    SETTLE_MS,
  );
  for (const { name, plugins } of networks) {
    for (const type of ['spiderpool', ...plugins.slice(1).map((plugin) => plugin.type)]) {
      const { exit, stdout } = await runner.collect(name, type);
      if (exit !== 0) complaints.push(`GC of ${type} in network ${name} failed: ${stdout.trim()}`);
    }
  }
}

/** Reports everything that is new, and everything that is missing. */
async function expectClean(
  { node, settleMs, complaints }: World,
  clean: Footprint,
  when: string,
): Promise<void> {
  let differences: string[] = [];
  for (const endMs = performance.now() + settleMs; performance.now() < endMs; await sleep(250)) {
    differences = differencesOf(clean, await footprint(node), await endpoints(node));
    if (differences.length === 0) return;
  }
  complaints.push(...differences.map((difference) => `${when}: ${difference}`));
}

/** SpiderEndpoints of pods that are gone. */
async function endpoints(node: OneNode): Promise<string[]> {
  const { items } = await node.client.list(resources.spiderEndpoints);
  return items.map(({ metadata }) => `endpoint ${metadata.name}`);
}

function differencesOf(clean: Footprint, now: Footprint, endpointLines: readonly string[]): string[] {
  const kinds = ['kernel', 'held', 'attachments', 'queue'] as const;
  return [
    ...kinds.flatMap((kind) => [
      ...now[kind].filter((line) => !clean[kind].includes(line)).map((line) => `left: ${kind} ${line}`),
      ...clean[kind].filter((line) => !now[kind].includes(line)).map((line) => `lost: ${kind} ${line}`),
    ]),
    ...endpointLines.map((line) => `left: ${line}`),
  ];
}

function emptyNamespace(): string[] {
  const sample = new Sandbox({ name: 'empty' });
  try {
    return kernelLines(basename(sample.netns));
  } finally {
    sample.dropNamespace();
  }
}
