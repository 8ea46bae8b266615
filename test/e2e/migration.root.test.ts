// Pods that Spiderpool made, on a node whose agent becomes ours: no packet is lost, their DEL works, and nothing of them is left.

import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { ifFound } from '#kube';
import { footprint } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { Runtime, Sandbox, underlay } from './runtime.ts';
import { makeSpiderpoolPod, makeSpiderpoolRule, type SpiderpoolPod } from './spiderpool-pod.ts';

/** Answers may be on their way when a ping ends. */
const UNANSWERED_AT_END = 100;
/** The field of ICMP has 16 bits. */
const SEQUENCE_NUMBERS = 65_536;

/** A ping each millisecond. */
class Pings {
  static readonly #running = new Set<Pings>();

  /** Ends those of a test that failed. */
  static async endAll(): Promise<void> {
    await Promise.allSettled(Array.from(Pings.#running, (pings) => pings.end()));
  }

  readonly #child: ChildProcess;
  readonly #what: string;
  #printed = '';

  constructor(what: string, namespace: string | undefined, to: string) {
    const words = ['-i', '0.001', to];
    const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'] };
    this.#what = what;
    this.#child =
      namespace === undefined
        ? spawn('ping', words, options)
        : spawn('ip', ['netns', 'exec', namespace, 'ping', ...words], options);
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#printed += chunk.toString();
    });
    Pings.#running.add(this);
  }

  /** Resolves when this many were answered. */
  async answered(count: number): Promise<void> {
    await until(`${count} pings of ${this.#what} are answered`, () => this.#sequence().length >= count);
  }

  /** Fails if one was not answered. */
  async end(): Promise<number> {
    Pings.#running.delete(this);
    this.#child.kill('SIGINT');
    await once(this.#child, 'close');
    const sequence = this.#sequence();
    const [, sent = '0'] = /(\d+) packets transmitted/.exec(this.#printed) ?? [];
    const gaps = sequence.filter((number, index) => number !== (index + 1) % SEQUENCE_NUMBERS);
    assert.deepEqual(gaps.slice(0, 3), [], `${this.#what}: lost before these`);
    assert.ok(
      Number(sent) - sequence.length <= UNANSWERED_AT_END,
      `${this.#what}: ${this.#printed.slice(-300)}`,
    );
    return sequence.length;
  }

  #sequence(): number[] {
    return Array.from(this.#printed.matchAll(/icmp_seq=(\d+) ttl/g), ([, number]) => Number(number));
  }
}

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const network = underlay({ ipv4: ['v4'] });
  const executables = ['spiderpool', 'coordinator', 'ifacer'].map((name) => `/opt/cni/bin/${name}`);
  let node: OneNode;
  let one: SpiderpoolPod;
  let two: SpiderpoolPod;
  const netnsOf = ({ sandbox }: SpiderpoolPod) => sandbox.netns.split('/').at(-1);

  const endpoint = (name: string) =>
    ifFound(node.client.get(resources.spiderEndpoints, { namespace: 'default', name }));

  /** DEL as a runtime calls it, with no record of an ADD. */
  async function end(pod: SpiderpoolPod, name: string, interfaces: readonly string[]): Promise<void> {
    await node.client.delete(resources.pods, { namespace: 'default', name });
    for (const interfaceName of interfaces.toReversed())
      await runtime.del(network, pod.sandbox, { interfaceName });
    pod.sandbox.dropNamespace();
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPool('v4', 4, { ips: ['10.6.1.1-10.6.1.9'] });
    await node.agent.stop();
    // As on a node where only Spiderpool has worked.
    for (const family of ['-4', '-6']) {
      const rules = JSON.parse(
        runProgram('ip', [family, '-j', 'rule', 'list', 'table', '500']) || '[]',
      ) as object[];
      for (const _ of rules) runProgram('ip', [family, 'rule', 'del', 'table', '500']);
    }
    makeSpiderpoolRule();
    for (const path of executables) writeFileSync(path, '#!/bin/sh\necho Spiderpool\n', { mode: 0o755 });
    one = await makeSpiderpoolPod(node, 'sp-one', 'v4', ['10.6.1.1']);
    two = await makeSpiderpoolPod(node, 'sp-two', 'v4', ['10.6.1.2', '10.6.1.3']);
    runProgram('ip', ['netns', 'add', 'client']);
    runProgram('ip', ['link', 'add', 'client0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'client']);
    runProgram('ip', ['link', 'set', 'client0', 'master', 'lan', 'up']);
    runProgram('ip', ['-n', 'client', 'addr', 'add', '10.6.0.9/16', 'dev', 'eth0']);
    runProgram('ip', ['-n', 'client', 'link', 'set', 'eth0', 'up']);
  });
  after(async () => {
    await Pings.endAll();
    await runtime.clear();
    Sandbox.dropAll();
    await node.stop();
  });

  test('running pods lose no packet while our agent starts, serves other pods and starts again', async () => {
    const three = await makeSpiderpoolPod(node, 'sp-three', 'v4', ['10.6.1.4']);
    const flows = [
      new Pings('node to pod', undefined, '10.6.1.1'),
      new Pings('pod to node', netnsOf(one), nodeAddress[4]),
      new Pings('client to pod', 'client', '10.6.1.1'),
      new Pings('client to net1', 'client', '10.6.1.3'),
      new Pings('pod to pod', netnsOf(two), '10.6.1.1'),
    ];
    for (const flow of flows) await flow.answered(100);
    await node.startAgent();
    const sandbox = await Sandbox.ofNewPod(node, 'ours');
    const { ips } = await runtime.add(network, sandbox);
    // Spiderpool's pods hold the first four addresses.
    assert.deepEqual(
      ips?.map(({ address }) => address),
      ['10.6.1.5/16'],
    );
    await runtime.check(network, sandbox);
    await end(three, 'sp-three', ['eth0']);
    await node.agent.stop();
    await node.startAgent();
    await runtime.del(network, sandbox);
    sandbox.dropNamespace();
    await sleep(500);
    for (const flow of flows) assert.ok((await flow.end()) > 500);
  });

  test('our executables took the places of Spiderpool’s, which were set aside', () => {
    for (const path of executables) {
      assert.ok(readFileSync(path).includes('Orbweaver CNI plugin'), path);
      const aside = path.replace(/([^/]+)$/, '.$1.before-orbweaver');
      assert.equal(existsSync(aside), true, aside);
    }
  });

  test('the node has one rule to table 500, and records of Spiderpool’s pods stay', async () => {
    const rules = JSON.parse(runProgram('ip', ['-4', '-j', 'rule', 'list', 'table', '500'])) as object[];
    assert.equal(rules.length, 1, JSON.stringify(rules));
    const held = await node.held('v4');
    assert.deepEqual(Object.keys(held).sort(), ['10.6.1.1', '10.6.1.2', '10.6.1.3']);
    assert.deepEqual(held['10.6.1.1'], { pod: 'default/sp-one', podUid: one.uid });
  });

  test('DEL of Spiderpool’s pods leaves nothing on the node, and gives their addresses back', async () => {
    await end(one, 'sp-one', ['eth0']);
    await end(two, 'sp-two', ['eth0', 'net1']);
    const left = await footprint(node);
    const theirs = [one.hostLink, two.hostLink, '10.6.1.1', '10.6.1.2', '10.6.1.3'];
    assert.deepEqual(
      left.kernel.filter((line) => theirs.some((word) => line.includes(word))),
      [],
    );
    assert.deepEqual([left.held, left.queue, left.attachments], [[], [], []]);
    assert.deepEqual([await endpoint('sp-one'), await endpoint('sp-two')], [undefined, undefined]);
  });

  test('what Spiderpool’s DEL does to a pod of ours leaves nothing on the node either', async () => {
    const sandbox = await Sandbox.ofNewPod(node, 'ours-too');
    await runtime.add(network, sandbox);
    const hostLink = `veth${sandbox.id.slice(0, 11)}`;
    await node.agent.stop();
    runProgram('ip', ['link', 'del', hostLink]);
    const { kernel } = await footprint(node);
    assert.deepEqual(
      kernel.filter((line) => line.includes(hostLink)),
      [],
    );
    await node.startAgent();
    await runtime.del(network, sandbox);
    sandbox.dropNamespace();
  });
}
