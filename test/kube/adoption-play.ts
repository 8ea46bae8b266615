// Networks of Whereabouts and of host-local are imported while pods run with their addresses, under Multus. The pods have no record
// on their nodes: their addresses are theirs until they end, and nobody else gets one.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { builtPrograms, goVersion, moduleSource } from './build.ts';
import { ChartRelease } from './chart-release.ts';
import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { livePods, podNamespaces } from './nics-of-pods.ts';
import { whereaboutsSet } from './programs.ts';
import type { ScenarioParts } from './scenario.ts';
import { allocations, untilNothingLeft } from './traces.ts';
import { Traffic } from './traffic.ts';

const apps = ['wide', 'kept', 'near'];

/** A pod, and the addresses of its second NIC as Multus shows them. */
interface Imported {
  readonly name: string;
  readonly uid: string;
  readonly node: NodeName;
  readonly addresses: readonly string[];
}

export async function playAdoption(parts: ScenarioParts): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const installation = new Installation(cluster, root);
  const orbctl = (node: NodeName, ...args: string[]) => cluster.node(node, [...installation.orbctl, ...args]);
  const migrate = (source: string, ...args: string[]) =>
    orbctl('node1', 'migrate', '--from', source, ...args);
  await storeNetworks(cluster, 'kubeadm');
  await outcomes.require('pods of Whereabouts and host-local run, and Helm installs Orbweaver', async () => {
    await new ChartRelease(parts).install(['coordinator.podCIDRType=none']);
    await installWhereabouts(cluster);
    await installation.apply('test/kube/manifests/imported.yaml');
    await untilRun(cluster, 8);
  });
  const before = await importedPods(cluster);
  const traffic = await Traffic.betweenTwo(
    cluster,
    before.filter(({ name }) => name.startsWith('wide-')),
  );
  await outcomes.require('an import records the addresses of all running pods', async () => {
    assert.match(await migrate('whereabouts', '--dry-run'), /nothing stands in the way/);
    await migrate('whereabouts', '--apply', '--settle', '1');
    // The networks of host-local are on this node alone.
    const data = nodeNames.flatMap((node) => ['--data', `${node}=/var/lib/cni/networks`]);
    await migrate('host-local', '--apply', '--settle', '1', ...data);
    await expectRecorded(cluster, before);
    for (const { name, addresses } of before)
      assert.match(await orbctl('node1', 'ip', 'who', addresses[0] ?? ''), new RegExp(`default/${name}\\b`));
  });
  await outcomes.check('new pods get other addresses', async () => {
    await cluster.kubectl(['scale', 'deployment', 'wide', '--replicas=6']);
    await cluster.kubectl(['scale', 'deployment', 'near', '--replicas=3']);
    await untilRun(cluster, 11);
    await expectRecorded(cluster, await importedPods(cluster));
  });
  await outcomes.check('agents that start again find nothing to repair, and free nothing', async () => {
    const agents = ['-n', 'kube-system', '-l', 'app.kubernetes.io/name=orbweaver-agent'];
    await cluster.kubectl(['delete', 'pods', ...agents, '--timeout=60s']);
    await cluster.kubectl([
      ...['rollout', 'status', '-n', 'kube-system'],
      ...['daemonset/orbweaver-agent', '--timeout=60s'],
    ]);
    for (const node of nodeNames) await orbctl(node, 'check');
    assert.match(await orbctl('node1', 'gc', '--dry-run'), /: 0 would be freed, 0 wait, /);
  });
  await outcomes.check('the pods from before have lost no packet, and none was restarted', async () => {
    await traffic.stopWithoutLoss();
    const now = await importedPods(cluster);
    for (const { uid, addresses } of before)
      assert.deepEqual(now.find((pod) => pod.uid === uid)?.addresses, addresses);
  });
  await outcomes.check('a deleted pod is taken back by Whereabouts, and its record goes', async () => {
    const { name = '', uid } = before.find((pod) => pod.name.startsWith('wide-')) ?? {};
    assert.match(await whereaboutsHolders(cluster), new RegExp(`default/${name}\\b`));
    await cluster.kubectl(['delete', 'pod', name, '--timeout=60s']);
    const began = performance.now();
    await until('its record is freed', 150, async () =>
      (await allocations(cluster)).every(({ podUid }) => podUid !== uid),
    );
    console.log(`     ${((performance.now() - began) / 1000).toFixed(0)} s after its end`);
    assert.doesNotMatch(await whereaboutsHolders(cluster), new RegExp(`default/${name}\\b`));
  });
  await outcomes.check('a pod of a StatefulSet keeps its address when it is restarted', async () => {
    const [first] = before.filter(({ name }) => name === 'kept-0');
    await cluster.kubectl(['delete', 'pod', 'kept-0', '--timeout=60s']);
    await untilRun(cluster, 11);
    const second = (await importedPods(cluster)).find(({ name }) => name === 'kept-0');
    assert.notEqual(second?.uid, first?.uid);
    assert.deepEqual(second?.addresses, first?.addresses);
  });
  let served: readonly string[] = [];
  await outcomes.check('after the way back, Whereabouts gives no address that a pod has', async () => {
    const old = before.map(({ uid }) => uid);
    served = (await importedPods(cluster)).filter(({ uid }) => !old.includes(uid)).map(({ name }) => name);
    await migrate('whereabouts', '--back');
    await cluster.kubectl(['scale', 'deployment', 'wide', '--replicas=8']);
    await untilRun(cluster, 13);
    expectDistinct(await importedPods(cluster));
  });
  await outcomes.check('deleted pods leave nothing', async () => {
    const workloads = ['deployment/wide', 'statefulset/kept', 'deployment/near'];
    await cluster.kubectl(['delete', '--cascade=foreground', '--timeout=120s', ...workloads]);
    // Its daily look, which does not run here, frees what it was told of pods that Orbweaver has served.
    await until('Whereabouts holds nothing of pods that it served', 60, async () => {
      const holders = (await whereaboutsHolders(cluster)).split('\n').filter((text) => text !== '');
      const left = holders.filter((holder) => !served.includes(holder.replace('default/', '')));
      if (left.length > 0) throw new Error(left.join(' '));
      return true;
    });
    await untilNothingLeft(cluster, 180);
  });
}

/** Its installation puts the plugin and a kubeconfig on each node. */
async function installWhereabouts(cluster: Cluster): Promise<void> {
  const program = join(await builtPrograms((await goVersion()) ?? '', whereaboutsSet), 'whereabouts');
  const source = await moduleSource(
    'github.com/k8snetworkplumbingwg/whereabouts',
    join(import.meta.dirname, 'whereabouts'),
  );
  for (const kind of ['ippools', 'overlappingrangeipreservations'])
    await cluster.apply(join(source, `doc/crds/whereabouts.cni.cncf.io_${kind}.yaml`));
  const settings = JSON.stringify({ kubernetes: { kubeconfig: `${home}/pki/admin.kubeconfig` } });
  const script = `cp "$1" /opt/cni/bin/whereabouts
    mkdir -p /etc/cni/net.d/whereabouts.d
    cat >/etc/cni/net.d/whereabouts.d/whereabouts.conf`;
  for (const node of nodeNames)
    await cluster.node(node, ['sh', '-ec', script, 'sh', program], { input: settings });
}

async function untilRun(cluster: Cluster, count: number): Promise<void> {
  await until(`${count} pods run`, 120, async () => {
    const ready = (await livePods(cluster, apps)).filter(({ isReady }) => isReady);
    if (ready.length !== count) throw new Error(`${ready.length} are ready`);
    return true;
  });
}

async function importedPods(cluster: Cluster): Promise<Imported[]> {
  const { items } = (await cluster.get('pods', '-l', `app in (${apps.join()})`)) as { items: PodObject[] };
  return items.map(({ metadata, spec }) => {
    const text = metadata.annotations['k8s.v1.cni.cncf.io/network-status'] ?? '[]';
    const status = JSON.parse(text) as { readonly interface: string; readonly ips: readonly string[] }[];
    const addresses = status.find((one) => one.interface === 'net1')?.ips ?? [];
    return { name: metadata.name, uid: metadata.uid, node: spec.nodeName, addresses };
  });
}

/** Every address of the pods is in the kernel of its node, and recorded for the pod; nothing else is recorded. */
async function expectRecorded(cluster: Cluster, pods: readonly Imported[]): Promise<void> {
  expectDistinct(pods);
  const records = await allocations(cluster);
  const told = (list: readonly (readonly [string, string])[]) =>
    list.map((pair) => pair.join(' ')).toSorted();
  assert.deepEqual(
    told(records.map(({ address, podUid }) => [address, podUid])),
    told(pods.flatMap(({ uid, addresses }) => addresses.map((address) => [address, uid] as const))),
  );
  for (const node of nodeNames) {
    const inKernel = [...(await podNamespaces(cluster, node)).keys()].toSorted();
    const own = pods.filter((pod) => pod.node === node).flatMap(({ addresses }) => addresses);
    assert.deepEqual(inKernel, own.toSorted());
  }
}

function expectDistinct(pods: readonly Imported[]): void {
  const addresses = pods.flatMap((pod) => pod.addresses);
  assert.equal(new Set(addresses).size, addresses.length, addresses.toSorted().join(' '));
  for (const { name, addresses: own } of pods)
    assert.equal(own.length, name.startsWith('near-') ? 1 : 2, `${name} has ${own.join(' ')}`);
}

/** The pods that Whereabouts has written down, a line for each address. */
async function whereaboutsHolders(cluster: Cluster): Promise<string> {
  const path = '{range .items[*]}{range .spec.allocations.*}{.podref}{"\\n"}{end}{end}';
  return cluster.kubectl([...['get', 'ippools.whereabouts.cni.cncf.io', '-A', '-o', `jsonpath=${path}`]]);
}

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName: NodeName };
}
