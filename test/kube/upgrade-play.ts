// An earlier release is upgraded to the checkout while many pods run and talk, and is brought back. Nothing is lost, no pod starts
// again, and each release serves the pods of the other.

import { endBurst, startBurst, underlay } from './bursts.ts';
import { ChartRelease } from './chart-release.ts';
import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import type { EarlierRelease } from './earlier-release.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { expectWhole, livePods, untilWhole } from './nics-of-pods.ts';
import { expectNoRefusal } from './rights.ts';
import type { ScenarioParts } from './scenario.ts';
import { untilNothingLeft } from './traces.ts';
import { Traffic } from './traffic.ts';

/** Pods that run during each exchange, and those of them that the release then serves anew. */
const [podCount, servedCount] = [100, 10];

const expected = { apps: ['burst'], podCount };

export async function playUpgrade(parts: ScenarioParts, earlier: EarlierRelease): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const [before, now] = [new ChartRelease(parts, earlier), new ChartRelease(parts)];
  const installation = new Installation(cluster, root);
  console.log(`     the earlier release is ${earlier.title}`);
  await storeNetworks(cluster, 'kubeadm');
  await outcomes.require('Helm installs the earlier release', async () => {
    await before.install();
    await installation.makeUnderlay();
    await installation.makeManyAddresses();
    await expectVersion(cluster, earlier.version);
  });
  await outcomes.require(`${podCount} underlay pods run`, async () => {
    const { allMs } = await startBurst(cluster, { count: podCount, annotations: underlay });
    console.log(`     after ${(allMs / 1000).toFixed(1)} s`);
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(service));
    await untilWhole(cluster, expected);
  });
  await outcomes.check('an upgrade to this release loses nothing', () =>
    withoutLoss(cluster, now.version, () => now.upgrade()),
  );
  await outcomes.check('it serves pods of the earlier release, and new ones', () => serveAnew(cluster));
  // A rollback brings the earlier roles first. The newer controllers are refused what is new, until they end.
  await outcomes.check('the API server has refused no request of either release', () =>
    expectNoRefusal(cluster),
  );
  await outcomes.check('a rollback to the earlier release loses nothing', () =>
    withoutLoss(cluster, earlier.version, () => before.rollback(1)),
  );
  await outcomes.check('it serves pods of this release, and new ones', () => serveAnew(cluster));
  await outcomes.check('deleted pods leave nothing', async () => {
    await endBurst(cluster);
    await untilNothingLeft(cluster, 90);
  });
}

/** All underlay pods run through the exchange, none of their packets is lost, and then the version is in use. */
async function withoutLoss(
  cluster: Cluster,
  version: string,
  exchange: () => Promise<unknown>,
): Promise<void> {
  const pods = await untilWhole(cluster, expected);
  const crowd = await trafficOfAll(cluster);
  const pair = await Traffic.betweenTwo(cluster, await peers(cluster));
  await exchange();
  await crowd.stopWithoutLoss();
  await pair.stopWithoutLoss();
  const after = await livePods(cluster, expected.apps);
  const told = (of: typeof pods) => of.map(({ uid, containerId }) => `${uid} ${containerId}`).toSorted();
  if (told(pods).join() !== told(after).join()) throw new Error('pods were restarted');
  await expectWhole(cluster, after);
  await expectVersion(cluster, version);
}

/** Deletes some of the pods, and waits until as many new ones are whole and the old ones have left nothing. */
async function serveAnew(cluster: Cluster): Promise<void> {
  const names = (await livePods(cluster, expected.apps)).slice(0, servedCount).map(({ name }) => name);
  await cluster.kubectl(['delete', 'pod', '--timeout=120s', ...names]);
  await untilWhole(cluster, expected);
}

async function trafficOfAll(cluster: Cluster): Promise<Traffic> {
  const { spec } = (await cluster.get('service', service.metadata.name)) as ServiceObject;
  const addresses = spec.clusterIPs.map((address) => ({ address, port: 80 }));
  return Traffic.amongAll(cluster, await peers(cluster), addresses);
}

async function peers(cluster: Cluster) {
  const { items } = (await cluster.get('pods', '-l', `app=${expected.apps.join()}`)) as PodList;
  return items.map(({ spec, status }) => ({
    node: spec.nodeName,
    addresses: status.podIPs.map(({ ip }) => ip),
  }));
}

/** Our programs of the cluster, and the executables on the nodes, are of this version. */
async function expectVersion(cluster: Cluster, version: string): Promise<void> {
  const label = ['-l', 'app.kubernetes.io/name in (orbweaver-agent,orbweaver-controller)'];
  const { items } = (await cluster.get('pods', '-n', 'kube-system', ...label)) as PodList;
  const others = items
    .flatMap(({ metadata, spec }) => spec.containers.map(({ image }) => `${metadata.name} runs ${image}`))
    .filter((text) => text.includes('/orbweaver/') && !text.endsWith(`:${version}`));
  for (const node of nodeNames) {
    const said = await cluster.node(node, ['sh', '-c', '/opt/cni/bin/ow-cni 2>&1 </dev/null']);
    if (!said.includes(`CNI plugin ${version};`)) others.push(`the executable of ${node} says ${said}`);
  }
  if (others.length > 0) throw new Error(others.join('\n'));
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'burst' },
  spec: {
    ipFamilyPolicy: 'RequireDualStack',
    ipFamilies: ['IPv4', 'IPv6'],
    selector: { app: 'burst' },
    ports: [{ port: 80, targetPort: 8080 }],
  },
};

interface ServiceObject {
  readonly spec: { readonly clusterIPs: readonly string[] };
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly nodeName: NodeName;
      readonly containers: readonly { readonly image: string }[];
    };
    readonly status: { readonly podIPs: readonly { readonly ip: string }[] };
  }[];
}
