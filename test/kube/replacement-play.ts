// The steps of docs/without-kube-proxy.md on a running cluster: our rules take over from kube-proxy, and give back to it.

import { Callers, KeptConnections } from './callers.ts';
import { ChartRelease } from './chart-release.ts';
import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { podPlaces, servicePlace } from './places.ts';
import { castOf, tryAll, untilServed } from './reach.ts';
import { expectNoRefusal } from './rights.ts';
import type { ScenarioParts } from './scenario.ts';
import { untilNothingLeft } from './traces.ts';

const apiServer = ['k8sServiceHost=172.30.0.1', 'k8sServicePort=6443'];
const on = [...apiServer, 'agent.kubeProxyReplacement=true'];
const off = [...apiServer, 'agent.kubeProxyReplacement=false'];

export async function playReplacement(parts: ScenarioParts): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const release = new ChartRelease(parts);
  const installation = new Installation(cluster, root);
  await storeNetworks(cluster, 'kubeadm');
  await installation.startServers();
  await outcomes.require('Helm installs it, and kube-proxy serves the Services', async () => {
    await release.install();
    await installation.makeUnderlay();
    await installation.apply('test/kube/manifests/workloads.yaml');
    await cluster.kubectl(['rollout', 'status', 'deployment/underlay', '--timeout=120s']);
    await untilServed(await castOf(cluster, installation.probe));
  });
  const [pod] = await podPlaces(cluster, 'underlay');
  if (pod === undefined) throw new Error('there is no underlay pod');
  const service = await servicePlace(cluster, 'underlay');
  const early = await KeptConnections.start(cluster, pod, service);
  await outcomes.require('no connection fails while our rules are added to those of kube-proxy', async () => {
    const callers = await Callers.start(cluster, pod, service);
    await release.upgrade(on);
    for (const node of nodeNames) await untilOn(cluster, node, true);
    await callers.stopWithoutFailure();
  });
  await withoutKubeProxy(cluster, async () => {
    await outcomes.check('without kube-proxy and its rules, all ways work', async () => {
      for (const node of nodeNames) await cluster.node(node, ['kube-proxy', '--cleanup']);
      console.log(`     ${await tryAll(await castOf(cluster, installation.probe))}`);
    });
    await outcomes.check('no connection fails while the agents are exchanged', async () => {
      const callers = await Callers.start(cluster, pod, service);
      await release.upgrade([...on, 'agent.debug.logLevel=debug']);
      await callers.stopWithoutFailure();
    });
  });
  await outcomes.check('connections of before lost nothing', () => early.stopWithoutLoss());
  await outcomes.check('no connection fails while the node goes back to kube-proxy', async () => {
    for (const node of nodeNames)
      await until(`kube-proxy has its rules on ${node}`, 60, async () =>
        (await cluster.node(node, ['iptables-save', '-t', 'nat'])).includes('default/underlay'),
      );
    const callers = await Callers.start(cluster, pod, service);
    await release.upgrade(off);
    for (const node of nodeNames) await untilOn(cluster, node, false);
    await callers.stopWithoutFailure();
    console.log(`     ${await tryAll(await castOf(cluster, installation.probe))}`);
  });
  await outcomes.check('the API server has refused no request of our programs', () =>
    expectNoRefusal(cluster),
  );
  await outcomes.check('an uninstallation removes the rules too', async () => {
    await release.upgrade(on);
    for (const node of nodeNames) await untilOn(cluster, node, true);
    const workloads = ['deployment/underlay', 'daemonset/overlay'];
    await cluster.kubectl(['delete', '--cascade=foreground', '--timeout=180s', ...workloads]);
    await untilNothingLeft(cluster);
    await release.uninstall();
    for (const node of nodeNames) await untilOn(cluster, node, false);
  });
}

/** The table of the rules is there, or not. */
async function untilOn(cluster: Cluster, node: NodeName, isOn: boolean): Promise<void> {
  const state = isOn ? 'has' : 'has not';
  await until(`${node} ${state} the table of our rules`, 60, async () => {
    const tables = await cluster.node(node, ['nft', 'list', 'tables']);
    return tables.includes('inet orbweaver-services') === isOn;
  });
}

/** No node has kube-proxy while the work runs. */
function withoutKubeProxy(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  return nodeNames.reduce<() => Promise<void>>(
    (inner, node) => () => cluster.without(node, 'kube-proxy', inner),
    work,
  )();
}
