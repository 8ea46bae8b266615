// The product from its chart and its images, as a user installs it: install, pods, upgrade, rollback, uninstall.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { accounts } from '../../tools/rights.ts';
import { moduleSource } from './build.ts';
import { ChartRelease } from './chart-release.ts';
import { type Cluster, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { playFixedAddresses } from './fixed-addresses.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { podPlaces } from './places.ts';
import { castOf, tryAll, untilServed } from './reach.ts';
import { expectListedRights, expectNoRefusal } from './rights.ts';
import type { ScenarioParts } from './scenario.ts';
import { untilNothingLeft } from './traces.ts';
import { Traffic } from './traffic.ts';
import { underlayPod } from './underlay-pod.ts';
import { playUnderlayService } from './underlay-service.ts';

export async function playChart(parts: ScenarioParts): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const release = new ChartRelease(parts);
  const installation = new Installation(cluster, root);

  await storeNetworks(cluster, 'kubeadm');
  await installation.startServers();
  const began = performance.now();
  await outcomes.require(
    'helm install brings kinds, controller and agents, and waits until they are ready',
    () => release.install(['coordinator.podCIDRType=none']),
  );
  await outcomes.check('the controller makes the SpiderCoordinator of the values', () =>
    until('there is a SpiderCoordinator', 30, async () => {
      const { spec } = (await cluster.get('spidercoordinator', 'default')) as CoordinatorObject;
      assert.equal(spec.podCIDRType, 'none');
      return true;
    }),
  );
  await outcomes.require('the first underlay pods become Ready', async () => {
    await installation.makeUnderlay();
    await installation.apply('test/kube/manifests/workloads.yaml');
    await cluster.kubectl(['rollout', 'status', 'deployment/underlay', '--timeout=120s']);
    console.log(`     ${((performance.now() - began) / 1000).toFixed(1)} s after helm install began`);
  });
  await outcomes.check('nodes, pods and Services are reached', async () => {
    const cast = await castOf(cluster, installation.probe);
    await untilServed(cast);
    console.log(`     ${await tryAll(cast)}`);
  });
  await outcomes.check('an upgrade exchanges agents and controllers, and no packet of pods is lost', () =>
    withoutLoss(cluster, () => release.upgrade(['agent.debug.logLevel=debug'])),
  );
  await outcomes.check('a rollback does the same', () => withoutLoss(cluster, () => release.rollback(1)));
  await outcomes.check('nodes, pods and Services are reached as before', async () => {
    await tryAll(await castOf(cluster, installation.probe));
  });
  await outcomes.check('deleted pods leave nothing', async () => {
    await cluster.kubectl([
      'delete',
      '--cascade=foreground',
      '--timeout=180s',
      'deployment/underlay',
      'daemonset/overlay',
    ]);
    await untilNothingLeft(cluster);
  });
  await outcomes.check('kubectl lists the rights of every account as docs/rights.md does', async () => {
    // The job's rights are there only while it runs, and those of an optional part only with its value.
    const values = ['openstack.countAddresses=true'];
    const manifests = await Promise.all(
      ['uninstall', 'agent-resources-rbac'].map((name) => release.template(name, values)),
    );
    const roles = rightsIn(manifests.join('---\n'));
    await cluster.kubectl(['apply', '-f', '-'], roles);
    await expectListedRights(
      cluster,
      accounts.map(({ name }) => name),
    );
    await cluster.kubectl(['delete', '-f', '-'], roles);
  });
  await outcomes.check('the API server accepts a NetworkPolicy and a Certificate of the chart', async () => {
    const kind = join(await moduleSource(certManager), 'deploy/crds/cert-manager.io_certificates.yaml');
    await cluster.kubectl(['apply', '-f', kind]);
    const manifests = await release.template('controller', [
      ...['controller.hostnetwork=false', 'controller.networkPolicy.enabled=true'],
      'controller.networkPolicy.nodeNetworks={172.30.0.0/24,fd00:172:30::/64}',
      ...['controller.webhookSecret=own', 'controller.certManager.issuer=ca'],
    ]);
    const dryRun = ['apply', '--dry-run=server', '--server-side', '--force-conflicts', '-f', '-'];
    const said = await cluster.kubectl(dryRun, manifests);
    for (const object of ['networkpolicy.networking.k8s.io', 'certificate.cert-manager.io'])
      if (!said.includes(`${object}/orbweaver-controller serverside-applied`)) throw new Error(said);
    await cluster.kubectl(['delete', '-f', kind, '--timeout=60s']);
  });
  await outcomes.check(
    'the API server accepts agents and controllers with a login of OpenStack',
    async () => {
      const values = ['openstack.loginSecret=login', 'openstack.routes=true', 'openstack.floatingIps=true'];
      for (const part of ['agent', 'controller']) {
        const manifests = await release.template(part, values);
        await cluster.kubectl(
          ['apply', '--dry-run=server', '--server-side', '--force-conflicts', '-f', '-'],
          manifests,
        );
        const login = 'secretName: login';
        if (!manifests.includes(login)) throw new Error(`${part}.yaml has no ${login}`);
      }
    },
  );
  await playUnderlayService(parts);
  await playFixedAddresses(parts);
  await outcomes.check('the API server has refused no request of our programs', () =>
    expectNoRefusal(cluster),
  );
  await outcomes.check(
    'helm uninstall names a pod that still has a NIC of ours, and removes nothing',
    async () => {
      // The subnets of the example have the network of the pools.
      await cluster.kubectl(['delete', 'spidersubnets', '--all', '--timeout=60s']);
      await installation.makeUnderlay();
      await cluster.kubectl(['create', '-f', '-'], underlayPod({ name: 'last' }));
      await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/last', '--timeout=60s']);
      await release.upgrade(['uninstall.waitSeconds=30']);
      const refusal = await release.uninstall().then(
        () => 'it was uninstalled',
        (error: unknown) => String(error),
      );
      const said = await cluster.kubectl(['logs', '-n', 'kube-system', 'job/orbweaver-uninstall']);
      if (!said.includes('pod default/last on ')) throw new Error(`${refusal}; the job said ${said}`);
      await cluster.kubectl(['get', '-n', 'kube-system', 'daemonset/orbweaver-agent']);
      await cluster.kubectl(['delete', 'pod', 'last', '--timeout=60s']);
    },
  );
  await outcomes.check(
    'then it removes what the chart and its programs brought, and keeps kinds and pools',
    async () => {
      await release.uninstall();
      await expectUninstalled(cluster);
      await cluster.get('spiderippool', 'lan-v4');
    },
  );
  await outcomes.check('a new installation goes on with the pools that are there', async () => {
    await release.install(defaultPool);
    await until('the pool and the subnet of the values are there', 30, async () => {
      await cluster.get('spiderippool', 'default-v4-ippool');
      await cluster.get('spidersubnet', 'default-v4-subnet');
      return true;
    });
    await cluster.kubectl(['create', '-f', '-'], underlayPod({ name: 'last' }));
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/last', '--timeout=60s']);
    await cluster.kubectl(['delete', 'pod', 'last', '--timeout=60s']);
  });
  await outcomes.check('with defaultCniCRName, a pod that names no network is on the underlay', async () => {
    await release.upgrade(['multus.multusCNI.defaultCniCRName=macvlan-underlay']);
    for (const node of nodeNames) {
      await until(`Multus has its new configuration on ${node}`, 30, () =>
        cluster.node(node, ['grep', '-c', '10-default.conf', '/etc/cni/net.d/00-multus.conf']),
      );
    }
    const image = ['--image=localhost/orbweaver/probe:1', '--image-pull-policy=Never'];
    await cluster.kubectl(['run', 'plain', ...image]);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/plain', '--timeout=60s']);
    const address = await cluster.kubectl(['get', 'pod', 'plain', '-o', 'jsonpath={.status.podIP}']);
    const records = await cluster.kubectl([
      ...['get', 'spiderippool', 'lan-v4', '-o', 'jsonpath={.status.allocatedIPs}'],
    ]);
    const { pod, nic } = (JSON.parse(records) as Readonly<Record<string, Holder>>)[address] ?? {};
    if (pod !== 'default/plain' || nic !== 'eth0') throw new Error(`${address} is not in ${records}`);
    await cluster.kubectl(['delete', 'pod', 'plain', '--grace-period=1', '--timeout=60s']);
    await release.uninstall();
    await expectUninstalled(cluster);
  });
}

interface Holder {
  readonly pod: string;
  readonly nic: string;
}

/** The source of cert-manager has its kinds. */
const certManager = 'github.com/cert-manager/cert-manager@v1.21.2';

/** No network of the test has these addresses. */
const defaultPool = [
  'installIPv4IPPool=true',
  'ipv4Subnet=198.51.100.0/24',
  'ipv4IPRanges={198.51.100.10-198.51.100.20}',
].map((value) => `clusterDefaultPool.${value}`);

interface CoordinatorObject {
  readonly spec: { readonly podCIDRType?: string };
}

/** The accounts, roles and bindings of manifests. */
export function rightsIn(manifests: string): string {
  return manifests
    .split(/^---\n/m)
    .filter((manifest) => /^kind: (ServiceAccount|(Cluster)?Role(Binding)?)$/m.test(manifest))
    .join('---\n');
}

/** Nothing of ours is in the cluster but kinds and their objects, and nothing on the nodes. */
async function expectUninstalled(cluster: Cluster): Promise<void> {
  const label = ['--selector', 'app.kubernetes.io/part-of=orbweaver', '--all-namespaces', '-o', 'name'];
  const kinds =
    'all,cm,secrets,sa,clusterroles,clusterrolebindings,roles,rolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations';
  await until('nothing of the chart is left', 60, async () => {
    const left = await cluster.kubectl(['get', kinds, ...label]);
    if (left !== '') throw new Error(left);
    return true;
  });
  const made = [
    'lease/orbweaver-controller',
    'cm/orbweaver-network-claims',
    'secret/orbweaver-webhook-certificates',
  ];
  const left = [
    await cluster.kubectl(['get', '-n', 'kube-system', '--ignore-not-found', '-o', 'name', ...made]),
  ];
  const marks = await cluster.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.annotations}']);
  if (marks.includes('orbweaver.io/')) left.push(marks);
  const finalizers = await cluster.kubectl([
    ...['get', 'spiderippools,spidersubnets,spiderendpoints,spidermultusconfigs', '--all-namespaces'],
    ...['-o', 'jsonpath={.items[*].metadata.finalizers}'],
  ]);
  if (finalizers.includes('spiderpool')) left.push(`finalizers ${finalizers}`);
  for (const node of nodeNames) left.push(await cluster.node(node, ['sh', '-c', nodeLeftovers.join('\n')]));
  const said = left.filter((text) => text.trim() !== '');
  if (said.length > 0) throw new Error(said.join('\n'));
}

/** Prints what an agent has left on its node. 79 is the protocol of our rules and routes. */
const nodeLeftovers = [
  'ls -d /opt/cni/bin/ow-cni /opt/cni/bin/coordinator /opt/cni/bin/spiderpool /run/orbweaver/* /var/lib/orbweaver/* 2>/dev/null',
  ...[4, 6].flatMap((family) => [
    `ip -${family} -d rule show | grep 'proto 79'`,
    `ip -${family} -d route show table all | grep 'proto 79'`,
  ]),
  'nft list tables | grep orbweaver',
  ':',
];

/** Runs the work while pods of different nodes talk to each other. Nothing is lost, and no pod starts again. */
async function withoutLoss(cluster: Cluster, work: () => Promise<unknown>): Promise<void> {
  const before = await podPlaces(cluster, 'underlay');
  const traffic = await Traffic.betweenNodes(cluster);
  await work();
  await traffic.stopWithoutLoss();
  const after = await podPlaces(cluster, 'underlay');
  const names = (pods: typeof before) =>
    pods.map(({ uid, addresses }) => `${uid} ${addresses.join()}`).join();
  if (names(after) !== names(before)) throw new Error(`before ${names(before)}, after ${names(after)}`);
}
