// Objects of our kinds that were stored past the webhooks and make no sense, against the whole controller.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Condition, type KubeObject, type ResourceType, resources } from '#api';
import { type Logger, silentLogger, systemClock } from '#base';
import { noProvider } from '#iaas/testing';
import { FakeKube } from '#kube/testing';
import { defaultReclaimSettings } from '#plan/reclaim';
import { defaultAutomaticPools } from '#plan/subnet';
import { startController } from './controller.ts';

const huge = 'x'.repeat(100_000);
let nested: unknown = 1;
for (let depth = 0; depth < 150; depth++) nested = { nested };

/** What a spec, or a field that is a list of texts, may be in the store. */
const nonsense: readonly unknown[] = [
  7,
  'text',
  true,
  [],
  [7],
  { a: 1 },
  huge,
  [huge],
  -1,
  1e308,
  nested,
  null,
];

/** Each field of a spec takes each value in turn. */
const fieldsOf: readonly [ResourceType, readonly string[], object][] = [
  [
    resources.spiderIPPools,
    [
      'subnet',
      'ips',
      'excludeIPs',
      'gateway',
      'routes',
      'ipVersion',
      'podAffinity',
      'namespaceName',
      'disable',
    ],
    { subnet: '10.9.0.0/16', ips: ['10.9.0.1-10.9.0.9'] },
  ],
  [
    resources.spiderSubnets,
    ['subnet', 'ips', 'excludeIPs', 'gateway', 'routes', 'ipVersion'],
    { subnet: '10.8.0.0/16' },
  ],
  [resources.spiderReservedIPs, ['ips', 'ipVersion'], { ips: ['10.7.0.1'] }],
  [
    resources.spiderMultusConfigs,
    ['cniType', 'macvlan', 'coordinator', 'enableCoordinator', 'customCNI', 'chainCNIJsonData'],
    { cniType: 'macvlan', macvlan: { master: ['eth0'] } },
  ],
  [
    resources.spiderCoordinators,
    ['mode', 'podCIDRType', 'hijackCIDR', 'hostRuleTable', 'podMACPrefix'],
    { podCIDRType: 'none' },
  ],
];

let kube: FakeKube;
let stop: () => Promise<void>;
let bugs: string[];

beforeEach(async () => {
  kube = new FakeKube();
  bugs = [];
  stop = async () => {};
});
afterEach(() => stop());

async function start(): Promise<void> {
  const error = (fields: object, message: string) => {
    bugs.push(`${message}: ${String((fields as { err?: Error }).err?.stack)}`);
  };
  const log: Logger = { ...silentLogger, error, child: () => log };
  const running = await startController({
    ...{ client: kube, clock: systemClock, log, namespace: 'kube-system', identity: 'one' },
    leaseTimes: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
    ...{ coordinatorName: 'default', readYaml: () => undefined },
    iaas: noProvider,
    reclaiming: { settings: defaultReclaimSettings, scanIntervalMs: 100 },
    automaticPools: defaultAutomaticPools,
    ...{ healthPort: undefined, webhookPort: undefined, invalidAnnotations: 'warn' },
    ...{ kindsVersion: undefined, defaults: [], commits: undefined },
  });
  stop = () => running.stop();
}

async function put(type: ResourceType, name: string, rest: object): Promise<void> {
  const metadata = { name, ...(type.namespaced && { namespace: 'default' }) };
  await kube.create(type, { metadata, ...rest } as KubeObject);
}

async function readyOf(type: ResourceType, name: string): Promise<Condition | undefined> {
  const { items } = await kube.list(type);
  const found = items.find(({ metadata }) => metadata.name === name) as
    | (KubeObject & { status?: { conditions?: Condition[] } })
    | undefined;
  return found?.status?.conditions?.find((condition) => condition.type === 'Ready');
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await sleep(25);
  }
  assert.fail(`${what} did not happen; ${bugs.join('\n')}`);
}

test('no value of a field stops the controller, whatever the kind, and good objects of each kind are served', async () => {
  for (const [type, fields, good] of fieldsOf) {
    for (const field of ['spec', ...fields]) {
      for (const [index, value] of nonsense.entries()) {
        const name = `bad-${field.toLowerCase()}-${index}`;
        await put(type, name, { spec: field === 'spec' ? value : { ...good, [field]: value } });
      }
    }
  }
  for (const [index, value] of nonsense.entries()) {
    await put(resources.spiderEndpoints, `bad-${index}`, { status: value });
    await put(resources.spiderEndpoints, `current-${index}`, { status: { current: value } });
    const spec = { subnet: '10.5.0.0/16', ips: [`10.5.0.${index + 1}`] };
    await put(resources.spiderIPPools, `status-${index}`, { spec, status: value });
    await put(resources.spiderIPPools, `records-${index}`, { spec, status: { allocatedIPs: value } });
  }
  await put(resources.spiderIPPools, 'good', { spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.1'] } });
  await put(resources.spiderSubnets, 'good', { spec: { subnet: '10.4.0.0/16', ips: ['10.4.0.1'] } });
  await put(resources.spiderMultusConfigs, 'good', {
    spec: { cniType: 'macvlan', macvlan: { master: ['eth0'] } },
  });
  await start();
  for (const type of [resources.spiderIPPools, resources.spiderSubnets, resources.spiderMultusConfigs]) {
    await until(async () => (await readyOf(type, 'good'))?.status === 'True', `${type.kind} good is ready`);
  }
  assert.deepEqual(bugs, []);
});

test('an object that cannot be read says why in its condition or an Event, and is served when it is corrected', async () => {
  await put(resources.spiderIPPools, 'p', { spec: { subnet: 7 } });
  await put(resources.spiderSubnets, 's', { spec: [] });
  await put(resources.spiderMultusConfigs, 'm', { spec: { cniType: 7 } });
  await put(resources.spiderCoordinators, 'default', { spec: { mode: 7 } });
  await put(resources.spiderReservedIPs, 'r', { spec: { ips: 'all' } });
  await put(resources.spiderEndpoints, 'e', { status: { current: 7 } });
  await start();
  const kinds: [ResourceType, string][] = [
    [resources.spiderIPPools, 'p'],
    [resources.spiderSubnets, 's'],
    [resources.spiderMultusConfigs, 'm'],
    [resources.spiderCoordinators, 'default'],
  ];
  for (const [type, name] of kinds) {
    const says = async () => {
      const ready = await readyOf(type, name);
      return ready?.status === 'False' && ready.message?.includes('does not fit the schema') === true;
    };
    await until(says, `the condition of ${type.kind}`);
  }
  for (const kind of ['SpiderReservedIP', 'SpiderEndpoint']) {
    const told = async () =>
      (await kube.list(resources.events)).items.some(
        ({ involvedObject, reason }) => involvedObject.kind === kind && reason === 'Unreadable',
      );
    await until(told, `the Event of ${kind}`);
  }
  const spec = { subnet: '10.6.0.0/16', ips: ['10.6.0.1'] };
  await kube.patch(resources.spiderIPPools, { name: 'p' }, { type: 'merge', body: { spec } });
  await until(
    async () => (await readyOf(resources.spiderIPPools, 'p'))?.status === 'True',
    'the corrected pool is ready',
  );
  assert.deepEqual(bugs, []);
});
