import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type EndpointSlice, resources, type Service } from '#api';
import { OrbError } from '#base';
import { FakeClock, LogLines } from '#base/testing';
import { parseAddress } from '#ip';
import type { FollowedFlow } from '#kernel';
import { FakeKube } from '#kube/testing';
import { type FrontObjects, SERVICE_TABLE } from '#plan/service-rules';
import { PacketServices } from './packet-services.ts';
import { ServiceView, ServiceWatch } from './service-view.ts';

/** The rules of a kernel that refuses what it is told to refuse. */
class FakeRules {
  /** The chains of Services. */
  readonly chains = new Set<string>();
  transactions = 0;
  tries = 0;
  removed = 0;
  refuses = '';
  flows: FollowedFlow[] = [];
  isMissing = false;
  flowsFail = false;

  held = async () => new Map<string, FrontObjects>();

  write = async (commands: readonly string[]) => {
    if (commands.length === 0) return;
    this.tries++;
    if (this.refuses !== '' && commands.some((command) => command.includes(this.refuses)))
      throw new OrbError('KERNEL_REFUSED', { message: 'no', subject: SERVICE_TABLE });
    this.transactions++;
    for (const command of commands) {
      const [, verb, chain = ''] = /^(add|delete) chain inet \S+ ((?:tcp|udp)-\S+)$/.exec(command) ?? [];
      if (verb === 'add') this.chains.add(chain);
      if (verb === 'delete') this.chains.delete(chain);
    }
  };

  udpFlows = () => {
    if (this.flowsFail) throw new OrbError('KERNEL_REFUSED', { message: 'no flows', subject: 'conntrack' });
    return this.flows;
  };
  endFlows = (flows: readonly FollowedFlow[]) => {
    this.flows = this.flows.filter((flow) => !flows.includes(flow));
    return flows.length;
  };
  isThere = () => !this.isMissing;
  remove = async () => {
    this.removed++;
  };
  close = () => {};
}

/** An agent on a cluster with Services `1` and `2`, each with one endpoint. */
async function scene(
  rules = new FakeRules(),
  more: readonly string[] = [],
  open: () => Promise<FakeRules> = async () => rules,
) {
  const kube = new FakeKube();
  const clock = new FakeClock();
  const log = new LogLines();
  const told: string[] = [];
  const state = { failures: 0, addresses: 0 };
  for (const name of ['1', '2', ...more]) {
    await kube.create(resources.services, {
      metadata: { namespace: 'shop', name },
      spec: {
        clusterIP: `10.96.${Number(name) >> 8}.${Number(name) & 255}`,
        ports: [{ port: 80, protocol: name === '2' ? 'UDP' : 'TCP' }],
      },
    } as Service);
    await kube.create(resources.endpointSlices, {
      metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': name } },
      ...{ addressType: 'IPv4', endpoints: [{ addresses: ['10.244.0.1'] }] },
      ports: [{ port: 8080, protocol: name === '2' ? 'UDP' : 'TCP' }],
    } as EndpointSlice);
  }
  const services = new PacketServices({
    ...{
      clock,
      log,
      open,
      view: new ServiceView(new ServiceWatch({ client: kube, clock, log })),
    },
    here: () => ({ name: 'node1', zone: undefined, addresses: [], usesExternalIps: false }),
    inside: () => [],
    failed: () => void state.failures++,
    tell: (message) => void told.push(message),
  });
  const leaving = new AbortController();
  const ended = services.run(leaving.signal);
  const settle = async () => {
    for (let i = 0; i < 80; i++) await turn();
  };
  const wait = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      await clock.advance(100);
      await settle();
    }
  };
  await settle();
  const stop = async () => {
    leaving.abort();
    await wait(100);
    await ended;
  };
  return { kube, rules, services, log, told, state, wait, stop };
}

const both = ['tcp-10.96.0.1-80', 'udp-10.96.0.2-80'];

test('all Services get rules, and then the state is on', async () => {
  const { rules, services, told, stop } = await scene();
  assert.deepEqual([[...rules.chains].toSorted(), services.isOn, services.size, told], [both, true, 2, []]);
  await stop();
});

test('a Service that changes is written alone, and one that goes loses its rules', async () => {
  const { kube, rules, services, wait, stop } = await scene();
  const before = rules.transactions;
  await kube.delete(resources.services, { namespace: 'shop', name: '2' });
  await wait(200);
  assert.deepEqual([[...rules.chains], services.size], [['tcp-10.96.0.1-80'], 1]);
  assert.equal(rules.transactions, before + 1);
  await wait(20_000);
  assert.equal(rules.transactions, before + 1, 'nothing is written while nothing changes');
  await stop();
});

test('one Service that the kernel refuses keeps no other from its rules, and the log names it', async () => {
  const rules = new FakeRules();
  rules.refuses = '10.96.0.1 ';
  const { services, log, stop } = await scene(rules);
  assert.deepEqual([[...rules.chains], services.isOn], [['udp-10.96.0.2-80'], true]);
  assert.ok(log.lines.some((line) => JSON.stringify(line).includes('TCP 10.96.0.1:80')));
  await stop();
});

test('a Service that is refused alone keeps the table, whatever the number of Services, and is tried again', async () => {
  const rules = new FakeRules();
  rules.refuses = 'tcp-10.96.1.245-80';
  const more = Array.from({ length: 499 }, (_, index) => String(index + 3));
  const { kube, services, state, told, wait, stop } = await scene(rules, more);
  await wait(1_000);
  assert.deepEqual([services.isOn, rules.chains.size, rules.removed, told], [true, 500, 0, []]);
  assert.equal(state.failures, 1);
  // A change of it alone is no reason to write all again.
  const before = rules.tries;
  await kube.delete(resources.endpointSlices, { namespace: 'shop', name: '501' });
  await wait(200);
  assert.deepEqual([services.isOn, rules.removed, told, rules.tries - before < 5], [true, 0, [], true]);
  rules.refuses = '';
  await wait(5_200);
  assert.equal(services.size, 501);
  await stop();
});

test('a flow of UDP ends with its endpoint, also when that took no new flows before', async () => {
  const flow = {
    to: { address: parseAddress('10.96.0.2'), port: 80, protocol: 'UDP' },
    from: { address: parseAddress('10.244.0.1'), port: 8080 },
  } as FollowedFlow;
  const { kube, rules, wait, stop } = await scene();
  rules.flows = [flow];
  const change = async (endpoints: EndpointSlice['endpoints']) => {
    const held = await kube.get(resources.endpointSlices, { namespace: 'shop', name: '2' });
    await kube.update(resources.endpointSlices, { ...held, endpoints });
    await wait(200);
  };
  const other = { addresses: ['10.244.0.2'] };
  await change([
    { addresses: ['10.244.0.1'], conditions: { ready: false, serving: true, terminating: true } },
    other,
  ]);
  assert.deepEqual(rules.flows, [flow], 'it ends, and still answers');
  await change([other]);
  assert.deepEqual(rules.flows, []);
  await stop();
});

test('while all is refused the user is told once, a second failure makes the table anew, and then all is written', async () => {
  const rules = new FakeRules();
  rules.refuses = 'add table';
  const { services, told, state, wait, stop } = await scene(rules);
  assert.deepEqual([services.isOn, told.length, state.failures, rules.removed], [false, 1, 1, 0]);
  await wait(3_000);
  assert.ok(rules.removed >= 1);
  assert.equal(told.length, 1);
  rules.refuses = '';
  await wait(60_000);
  assert.deepEqual([services.isOn, [...rules.chains].toSorted()], [true, both]);
  await stop();
});

test('rules that another program has removed are written again', async () => {
  const { rules, wait, stop } = await scene();
  rules.chains.clear();
  rules.isMissing = true;
  await wait(5_200);
  rules.isMissing = false;
  assert.deepEqual([...rules.chains].toSorted(), both);
  await stop();
});

test('a disk that is full at the first start is told, and Services are served when it has room', async () => {
  const rules = new FakeRules();
  let isFull = true;
  const { services, told, state, wait, stop } = await scene(rules, [], async () => {
    if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    return rules;
  });
  assert.deepEqual(told, ['packets to Services are not served: ENOSPC: no space left on device']);
  assert.deepEqual([services.isOn, state.failures, rules.removed], [false, 1, 0]);
  isFull = false;
  await wait(1_000);
  assert.deepEqual([services.isOn, [...rules.chains].toSorted()], [true, both]);
  await stop();
});

test('flows that cannot be read are a warning, and the rules go on', async () => {
  const rules = new FakeRules();
  rules.flowsFail = true;
  const { services, told, state, log, stop } = await scene(rules);
  assert.deepEqual([services.isOn, told, state.failures], [true, [], 0]);
  assert.ok(log.lines.some((line) => JSON.stringify(line).includes('UDP flows')));
  await stop();
});
