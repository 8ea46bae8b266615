// The product from its chart and its images, as a user installs it: install, pods, upgrade, rollback, uninstall.

import { join } from 'node:path';
import description from '../../package.json' with { type: 'json' };
import { accounts } from '../../tools/rights.ts';
import type { Cluster } from './cluster.ts';
import { run, until } from './command.ts';
import { playFixedAddresses } from './fixed-addresses.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { podPlaces } from './places.ts';
import { castOf, tryAll, untilServed } from './reach.ts';
import { expectListedRights } from './rights.ts';
import type { ScenarioParts } from './scenario.ts';
import { allTraces } from './traces.ts';
import { Traffic } from './traffic.ts';
import { playUnderlayService } from './underlay-service.ts';

const namespace = 'kube-system';

/** The images that the nodes have. Sysctls belong to the whole machine, and not to a node of the test. */
const settings = [
  ...['agent', 'controller'].flatMap((part) => [
    `${part}.image.registry=localhost`,
    `${part}.image.tag=${description.version}`,
  ]),
  'agent.tuneSysctlConfig=false',
  'multus.multusCNI.install=false',
];

export async function playChart(parts: ScenarioParts): Promise<void> {
  const { cluster, outcomes, root, helm: program } = parts;
  const [enter, ...entering] = cluster.entering('hub');
  const helm = (...args: string[]) =>
    run([enter, ...entering, program, '--namespace', namespace, ...args], { env: cluster.environment });
  const chart = [join(root, 'deploy/chart'), '--wait', '--timeout', '120s', '--set'];
  const installation = new Installation(cluster, root);

  await storeNetworks(cluster, 'kubeadm');
  await installation.startServers();
  const began = performance.now();
  await outcomes.require(
    'helm install brings kinds, controller and agents, and waits until they are ready',
    () => helm('install', 'orbweaver', ...chart, settings.join()),
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
    withoutLoss(cluster, () =>
      helm('upgrade', 'orbweaver', ...chart, `${settings},agent.debug.logLevel=debug`),
    ),
  );
  await outcomes.check('a rollback does the same', () =>
    withoutLoss(cluster, () => helm('rollback', 'orbweaver', '1', '--wait', '--timeout', '120s')),
  );
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
    await until('nothing is left', 60, async () => {
      const left = await allTraces(cluster);
      if (left.length > 0) throw new Error(left.join('\n'));
      return true;
    });
  });
  await outcomes.check('kubectl lists the rights of every account as docs/rights.md does', async () => {
    const withMultus = ['--kube-version', '1.30', '--set', 'multus.multusCNI.install=true'];
    const shown = ['multus', 'uninstall'].flatMap((name) => ['--show-only', `templates/${name}.yaml`]);
    const roles = rightsIn(await helm('template', 'orbweaver', chart[0] ?? '', ...withMultus, ...shown));
    await cluster.kubectl(['apply', '-f', '-'], roles);
    await expectListedRights(
      cluster,
      accounts.map(({ name }) => name),
    );
    await cluster.kubectl(['delete', '-f', '-'], roles);
  });
  await playUnderlayService(parts);
  await playFixedAddresses(parts);
  await outcomes.check(
    'helm uninstall removes what the chart brought, and keeps kinds and pools',
    async () => {
      await helm('uninstall', 'orbweaver', '--wait', '--timeout', '120s');
      const label = ['--selector', 'app.kubernetes.io/part-of=orbweaver', '--all-namespaces', '-o', 'name'];
      const kinds =
        'all,cm,sa,clusterroles,clusterrolebindings,roles,rolebindings,validatingwebhookconfigurations';
      await until('nothing of the chart is left', 60, async () => {
        const left = await cluster.kubectl(['get', kinds, ...label]);
        if (left !== '') throw new Error(left);
        return true;
      });
      await cluster.get('spiderippool', 'lan-v4');
    },
  );
}

/** The accounts, roles and bindings of manifests. */
export function rightsIn(manifests: string): string {
  return manifests
    .split(/^---\n/m)
    .filter((manifest) => /^kind: (ServiceAccount|(Cluster)?Role(Binding)?)$/m.test(manifest))
    .join('---\n');
}

/** Runs the work while pods of different nodes talk to each other. Nothing is lost, and no pod starts again. */
async function withoutLoss(cluster: Cluster, work: () => Promise<unknown>): Promise<void> {
  const before = await podPlaces(cluster, 'underlay');
  const [from] = before;
  const to = before.find(({ node }) => node !== from?.node);
  if (from === undefined || to === undefined) throw new Error('there are no underlay pods on two nodes');
  const traffic = await Traffic.start(cluster, from, to);
  await work();
  const { pings, lostPings, sent, returned } = await traffic.stop();
  console.log(`     ${pings} pings, ${lostPings} lost; ${sent} messages, ${returned} came back`);
  const after = await podPlaces(cluster, 'underlay');
  const names = (pods: typeof before) =>
    pods.map(({ uid, addresses }) => `${uid} ${addresses.join()}`).join();
  if (names(after) !== names(before)) throw new Error(`before ${names(before)}, after ${names(after)}`);
  if (pings < 1000 || sent < 1000) throw new Error('there was too little traffic to see a loss');
  if (lostPings > 0 || sent !== returned) throw new Error('packets were lost');
}
