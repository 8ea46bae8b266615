// Pods of type `veth-route` on two nodes of a lab: every way between pods, nodes, the router, a client behind it and a
// Service. The router has no route to a pod.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type DaemonSet, type Pod, resources, type Service, type SpiderIPPool } from '#api';
import { silentLogger } from '#base';
import { connect, kubeconfigFile } from '#kube';
import { until } from './program.ts';
import { RunningLab } from './running-lab.ts';

const program = join(import.meta.dirname, '../../dist/orbctl.mjs');
const namespace = 'default';
const labels = { app: 'routed' };
const nodes = ['node1', 'node2'];
/** The client of the lab, behind its router. */
const client = ['192.0.2.10', '2001:db8::10'];

describe('routed pods of two nodes', () => {
  let lab: RunningLab;
  let api: ReturnType<typeof connect>;
  let pods: readonly Pod[];

  before(async () => {
    lab = await RunningLab.start();
    api = connect(kubeconfigFile(lab.kubeconfig), { log: silentLogger });
    for (const [name, ipVersion, subnet, gateway, ips] of [
      ['routed-v4', 4, '10.6.0.0/16', '10.6.0.1', '10.6.120.10-10.6.120.50'],
      ['routed-v6', 6, 'fd00:10:6::/64', 'fd00:10:6::1', 'fd00:10:6::120:10-fd00:10:6::120:50'],
    ] as const) {
      const spec = { ipVersion, subnet, gateway, ips: [ips] };
      await api.create(resources.spiderIPPools, { metadata: { name }, spec } as SpiderIPPool);
    }
    const ipam = {
      type: 'spiderpool',
      default_ipv4_ippool: ['routed-v4'],
      default_ipv6_ippool: ['routed-v6'],
    };
    const config = { cniVersion: '1.0.0', name: 'veth-route', type: 'veth-route', ipam };
    await api.create(resources.networkAttachmentDefinitions, {
      metadata: { namespace: 'kube-system', name: 'veth-route' },
      spec: { config: JSON.stringify(config) },
    });
    // Two pods on each node.
    for (const name of ['one', 'two']) await api.create(resources.daemonSets, daemonSet(name));
    await api.create(resources.services, {
      metadata: { namespace, name: 'routed' },
      spec: {
        selector: labels,
        ipFamilyPolicy: 'RequireDualStack',
        ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }],
      },
    } as Service);
    await until('four pods run', async () => {
      const { items } = await api.list(resources.pods, { namespace });
      pods = items.filter(
        ({ metadata, status }) => metadata.labels?.app === 'routed' && status?.phase === 'Running',
      );
      return pods.length === 4;
    });
  });

  after(async () => {
    api.close();
    await lab.stop();
  });

  function daemonSet(name: string): DaemonSet {
    const annotations = { 'v1.multus-cni.io/default-network': 'kube-system/veth-route' };
    const ports = [{ containerPort: 8080 }];
    const template = {
      metadata: { annotations, labels: { ...labels, set: name } },
      spec: { containers: [{ name: 'c', image: 'i:1', ports }], terminationGracePeriodSeconds: 0 },
    };
    const selector = { matchLabels: { ...labels, set: name } };
    return { metadata: { namespace, name: `routed-${name}` }, spec: { selector, template } } as DaemonSet;
  }

  function exec(place: string, ...words: string[]): string {
    const args = [program, 'lab', 'exec', place, '--', ...words];
    const env = { ...process.env, KUBECONFIG: lab.kubeconfig };
    const ran = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    assert.equal(ran.status, 0, `${place}: ${words.join(' ')}: ${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }

  /** The words of a program that prints what each URL answers, and fails with the first that does not answer 200. */
  const get = [
    process.execPath,
    '-e',
    `(async () => {
      for (const url of process.argv.slice(1)) {
        const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) });
        if (!answer.ok) throw new Error(url + ': ' + answer.status);
        console.log(await answer.text());
      }
    })();`,
  ];

  /** One call for all, because each enters the lab. */
  function ping(from: string, addresses: readonly string[]): void {
    const script = 'for to in "$@"; do ping -c1 -W5 "$to" || exit 1; done';
    exec(from, 'sh', '-c', script, 'ping', ...addresses);
  }

  const addressesOf = ({ status }: Pod) => (status?.podIPs ?? []).map(({ ip }) => ip);

  test('each pod reaches each pod, each node, the router and the client', async () => {
    assert.deepEqual([...new Set(pods.map(({ spec }) => spec?.nodeName))].toSorted(), nodes);
    const { items } = await api.list(resources.nodes);
    const ofNodes = items.flatMap(({ status }) =>
      (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    );
    assert.equal(ofNodes.length, 4);
    const all = [...pods.flatMap(addressesOf), ...ofNodes, '10.6.0.1', 'fd00:10:6::1', ...client];
    for (const { metadata } of pods) ping(metadata.name ?? '', all);
  });

  test('each node, the router and the client reach each pod', () => {
    for (const from of [...nodes, 'router', 'client']) ping(from, pods.flatMap(addressesOf));
    const routes = exec('router', 'sh', '-c', 'ip route; ip -6 route');
    for (const address of pods.flatMap(addressesOf)) assert.ok(!routes.includes(`${address} `), routes);
  });

  test('pods of both nodes see each other’s own addresses, and a Service leads to all of them', async () => {
    const [one = assert.fail()] = pods;
    for (const other of pods) {
      const [four = ''] = addressesOf(other);
      const said = exec(one.metadata.name ?? '', ...get, `http://${four}:8080/`);
      assert.equal(said.trim(), `you are ${addressesOf(one)[0]}`);
    }
    const { spec } = await api.get(resources.services, { namespace, name: 'routed' });
    const urls = (spec?.clusterIPs ?? []).map((ip) => `http://${ip.includes(':') ? `[${ip}]` : ip}/`);
    assert.equal(urls.length, 2);
    const turns = Array.from({ length: 4 }, () => urls).flat();
    for (const from of [...pods.map(({ metadata }) => metadata.name ?? ''), ...nodes])
      exec(from, ...get, ...turns);
  });
});
