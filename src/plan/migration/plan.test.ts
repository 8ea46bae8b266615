// What a migration from Spiderpool says of a cluster.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { markUnreadable, resources } from '#api';
import { orbweaverPrograms, spiderpoolAgent, spiderpoolConf, spiderpoolFacts } from '#plan/testing';
import { chartValues, type MigrationFacts, type MigrationPlan, planMigration } from './index.ts';

function planned(facts: MigrationFacts): MigrationPlan {
  const plan = planMigration(facts);
  assert.ok(plan);
  return plan;
}

const withConf = (more: object) => planned(spiderpoolFacts({ ...spiderpoolConf, ...more }));

test('a cluster without Spiderpool has no plan, also if Orbweaver is there', () => {
  assert.equal(planMigration({ ...spiderpoolFacts(), programs: orbweaverPrograms() }), undefined);
});

test('Spiderpool is known by its programs, whatever its workloads are named', () => {
  const facts = spiderpoolFacts();
  const [agent] = facts.programs.daemonSets;
  assert.ok(agent);
  agent.metadata.name = 'sp-node';
  const plan = planned(facts);
  assert.deepEqual([plan.version, plan.namespace], ['1.2.1', 'kube-system']);
  assert.match(plan.steps[3]?.what ?? '', /^DaemonSet kube-system\/sp-node runs on no node/);
});

test('webhooks go first, then the controller, then the agents, and nothing stands in the way', () => {
  const plan = planned(spiderpoolFacts());
  assert.deepEqual(plan.obstacles, []);
  assert.deepEqual(
    plan.steps.map(({ what, done }) => `${what.split(' ').slice(0, 4).join(' ')} ${done}`),
    [
      'MutatingWebhookConfiguration spiderpool-controller asks nobody false',
      'ValidatingWebhookConfiguration spiderpool-controller asks nobody false',
      'Deployment kube-system/spiderpool-controller gets 0 false',
      'DaemonSet kube-system/spiderpool-agent runs on false',
      'Orbweaver is installed by false',
    ],
  );
  assert.match(plan.steps[2]?.what ?? '', /0 replicas instead of 2/);
});

test('each setting has its value of our chart, as Spiderpool reads it', () => {
  const values = chartValues(planned(spiderpoolFacts()).settings) as {
    readonly ipam: Readonly<Record<string, unknown>>;
  };
  assert.deepEqual(values, {
    global: {
      configName: 'orbweaver-conf',
      cniBinHostPath: '/usr/lib/cni',
      cniConfHostPath: '/etc/cni/net.d',
    },
    ipam: {
      ...{ enableIPv4: true, enableIPv6: false, enableStatefulSet: true, enableKubevirtStaticIP: true },
      ...{ enableIPConflictDetection: true, enableGatewayDetection: false },
      enableCleanOutdatedEndpoint: false,
      // Spiderpool's chart writes a key that its programs do not read, so 1 means 0 there.
      spiderSubnet: { enable: true, autoPool: { enable: true, defaultRedundantIPNumber: 0 } },
      gc: { enabled: false, gcDeletingTimeOutPodDelay: 7 },
    },
    agent: {
      ...{ tuneSysctlConfig: true, debug: { logLevel: 'debug' }, httpPort: 5710 },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    },
    multus: { multusCNI: { install: true, defaultCniCRName: 'macvlan-conf' } },
    coordinator: { name: 'default' },
  });
});

test('the SpiderCoordinator that is there gives the values of ours', () => {
  const coordinator = resources.spiderCoordinators.schema.parse({
    metadata: { name: 'default' },
    spec: { mode: 'overlay', podCIDRType: 'calico', hijackCIDR: ['169.254.0.0/16'], vethMTU: 1400 },
  });
  const values = chartValues(planned({ ...spiderpoolFacts(), coordinators: [coordinator] }).settings);
  assert.deepEqual(values.coordinator, {
    ...{ name: 'default', mode: 'overlay', podCIDRType: 'calico', tunePodRoutes: true },
    ...{ hijackCIDR: ['169.254.0.0/16'], vethMTU: 1400 },
  });
});

test('every value exists in our chart', () => {
  const chart = parse(
    readFileSync(new URL('../../../deploy/chart/values.yaml', import.meta.url), 'utf8'),
  ) as Record<string, unknown>;
  const coordinator = resources.spiderCoordinators.schema.parse({
    metadata: { name: 'default' },
    spec: { podCIDRType: 'none', hijackCIDR: [], vethLinkAddress: '169.254.100.1', vethMTU: 1500 },
  });
  const { settings } = planned({ ...spiderpoolFacts(), coordinators: [coordinator] });
  for (const { chart: { path } = { path: 'global.configName' } } of settings) {
    let at: unknown = chart;
    for (const key of path.split('.')) {
      assert.ok(typeof at === 'object' && at !== null && key in at, path);
      at = (at as Record<string, unknown>)[key];
    }
  }
});

test('what Orbweaver cannot do stands in the way, with the setting that asks for it', () => {
  const plugin = withConf({ agent: { networkResourcePlugin: { enabled: true } } });
  assert.match(
    plugin.obstacles.join('\n'),
    /^conf\.yml agent\.networkResourcePlugin\.enabled: .*device plugin/,
  );
});

test('the provider of an IaaS keeps its URL and its time, and HTTPS needs its CA', () => {
  const asked = withConf({
    iaasNetworkProvider: { serverUrl: 'https://iaas:8443', httpRequestTimeout: '1m30s' },
  });
  assert.deepEqual(asked.obstacles, []);
  assert.deepEqual(chartValues(asked.settings).iaasNetworkProvider, {
    serverUrl: 'https://iaas:8443',
    httpRequestTimeout: '90s',
  });
  const told = (plan: MigrationPlan) => plan.warnings.filter((text) => text.includes('//iaas'));
  assert.match(
    told(asked).join(),
    /Orbweaver does: give the CA in a Secret, with iaasNetworkProvider\.tls\.caSecret/,
  );
  assert.match(
    asked.settings.find(({ from }) => from.endsWith('serverUrl'))?.note ?? '',
    /set iaasNetworkProvider\.tls\.caSecret too/,
  );
  assert.deepEqual(told(withConf({ iaasNetworkProvider: { serverUrl: 'http://iaas' } })), []);
  const service = withConf({ iaasNetworkProvider: { serverUrl: 'http://iaas.default.svc:80' } });
  assert.match(told(service).join(), /a name of the cluster, which the nodes do not know/);
  const none = planned(spiderpoolFacts());
  assert.deepEqual(chartValues(none.settings).iaasNetworkProvider, undefined);
});

test('a key that nobody knows is told, and settings that cannot be read stand in the way', () => {
  const row = withConf({ enableWarpDrive: true }).settings.find(
    ({ from }) => from === 'conf.yml enableWarpDrive',
  );
  assert.match(row?.note ?? '', /neither Spiderpool 1\.2 nor Orbweaver/);
  const wrong = withConf({ enableIPv4: 'yes' });
  assert.match(wrong.obstacles.join('\n'), /settings cannot be read: .*enableIPv4/);
});

test('objects that cannot be served stand in the way, with their names', () => {
  const pool = (name: string, allocatedIPs: string) =>
    resources.spiderIPPools.schema.parse({
      metadata: { name },
      spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'] },
      status: { allocatedIPs },
    });
  const good = pool('good', '{"10.6.0.1":{"pod":"ns/a","podUid":"u1"}}');
  const broken = pool('broken', '{"10.6.0.1":');
  const strange = markUnreadable(
    resources.spiderReservedIPs.schema.parse({ metadata: { name: 'strange' } }),
    'spec.ips: expected array',
  );
  const plan = planned({ ...spiderpoolFacts(), pools: [good, broken], reservedIPs: [strange] });
  assert.equal(plan.objects.addresses, 1);
  assert.deepEqual(
    plan.obstacles.map((text) => text.split(':')[0]),
    ['SpiderReservedIP strange cannot be read', 'SpiderIPPool broken cannot be served'],
  );
});

test('interfaces are counted of pods that run, not of endpoints that are left', () => {
  const pod = (uid: string, phase: string) =>
    resources.pods.schema.parse({ metadata: { name: uid, uid }, status: { phase } });
  const endpoint = (uid: string, nics: readonly string[]) =>
    resources.spiderEndpoints.schema.parse({
      metadata: { name: uid, namespace: 'ns' },
      status: {
        current: { uid, node: 'n1', ips: nics.map((name) => ({ interface: name })) },
        ownerControllerType: 'Pod',
        ownerControllerName: uid,
      },
    });
  const plan = planned({
    ...spiderpoolFacts(),
    pods: [pod('u1', 'Running'), pod('u2', 'Succeeded')],
    endpoints: [endpoint('u1', ['eth0', 'net1']), endpoint('u2', ['eth0']), endpoint('u3', ['eth0'])],
  });
  assert.deepEqual([plan.objects.pods, plan.objects.nics], [1, 2]);
});

test('a definition that our controller would write otherwise is named', () => {
  const config = resources.spiderMultusConfigs.schema.parse({
    metadata: { name: 'lan', namespace: 'kube-system', uid: 'u-lan' },
    spec: { cniType: 'macvlan', macvlan: { master: ['eth1'] }, coordinator: { podRPFilter: 1 } },
  });
  const definition = resources.networkAttachmentDefinitions.schema.parse({
    metadata: { name: 'lan', namespace: 'kube-system' },
    spec: { config: '{"cniVersion":"0.3.1","name":"lan","plugins":[{"type":"macvlan","master":"eth1"}]}' },
  });
  const plan = planned({ ...spiderpoolFacts(), multusConfigs: [config], definitions: [definition] });
  assert.deepEqual(plan.objects.differences, [
    "NetworkAttachmentDefinition kube-system/lan is written anew by Orbweaver's controller",
  ]);
});

test('the user is told of what would undo the migration, or delete everything', () => {
  const facts = spiderpoolFacts();
  const [agent] = facts.programs.daemonSets;
  Object.assign(agent?.metadata.annotations ?? {}, { 'argocd.argoproj.io/tracking-id': 'x' });
  const node = (name: string, status: string) =>
    resources.nodes.schema.parse({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } });
  const { warnings } = planned({ ...facts, nodes: [node('n1', 'True'), node('n2', 'Unknown')] });
  assert.deepEqual(warnings.length, 4);
  assert.match(warnings[0] ?? '', /^Argo CD manages Spiderpool/);
  assert.match(warnings[1] ?? '', /"helm uninstall spiderpool" without --no-hooks/);
  assert.match(warnings[2] ?? '', /^Multus ends with Spiderpool's agent/);
  assert.match(warnings[3] ?? '', /not ready, .*: n2$/);
});

test('where Multus is not Spiderpool’s, nobody is warned of it and the chart installs none', () => {
  const facts = spiderpoolFacts();
  const daemonSets = [spiderpoolAgent({ multus: false })];
  const plan = planned({ ...facts, programs: { ...facts.programs, daemonSets } });
  assert.equal(plan.warnings.filter((text) => text.startsWith('Multus')).length, 0);
  assert.deepEqual(chartValues(plan.settings).multus, { multusCNI: { install: false } });
});

test('Orbweaver in another namespace, or half a Spiderpool, stands in the way', () => {
  const facts = spiderpoolFacts();
  const ours = orbweaverPrograms();
  for (const { metadata } of [...ours.daemonSets, ...ours.deployments]) metadata.namespace = 'elsewhere';
  const daemonSets = [...ours.daemonSets];
  const deployments = [...facts.programs.deployments, ...ours.deployments];
  const { obstacles } = planned({ ...facts, programs: { ...facts.programs, daemonSets, deployments } });
  assert.match(obstacles[0] ?? '', /has no spiderpool-agent/);
  assert.match(obstacles[1] ?? '', /^Orbweaver is installed in elsewhere: install it in kube-system/);
});
