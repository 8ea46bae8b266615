// The walk-through of examples/underlay-service: a SpiderMultusConfig, a DaemonSet with addresses of the underlay, a Service.

import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { probeIn } from './places.ts';
import { ask, type Cell, fault } from './reach.ts';
import type { ScenarioParts } from './scenario.ts';
import { allTraces } from './traces.ts';

/** Of overlays/underlay-service. */
const pool = /^192\.168\.50\.(20\d|21\d|220)$/;

interface UnderlayPod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP?: string };
}

export async function playUnderlayService(
  parts: Pick<ScenarioParts, 'cluster' | 'outcomes' | 'root'>,
): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const manifests = ['-k', join(root, 'test/kube/overlays/underlay-service')];
  await outcomes.check(
    'examples/underlay-service: each node has a pod with an address of the pool',
    async () => {
      await cluster.kubectl(['apply', ...manifests]);
      await cluster.kubectl(['rollout', 'status', 'daemonset/ipvlan', '--timeout=120s']);
      const pods = await podsOf(cluster);
      const nodes = pods.map(({ spec }) => spec.nodeName).toSorted();
      if (nodes.join() !== nodeNames.join()) throw new Error(`the pods are on ${nodes.join()}`);
      for (const { metadata, status } of pods) {
        if (!pool.test(status.podIP ?? '')) throw new Error(`${metadata.name} has ${status.podIP}`);
      }
    },
  );
  await outcomes.check('examples/underlay-service: each pod reaches the Service, on both nodes', async () => {
    const { spec } = (await cluster.get('service', 'ipvlan')) as { spec: { clusterIP: string } };
    const cells = (await podsOf(cluster)).flatMap(({ metadata: { name } }) =>
      // kube-proxy picks an endpoint each time.
      Array.from(
        { length: 8 },
        (): Cell => ({
          from: { name, probe: probeIn(cluster, name) },
          to: { name: 'Service ipvlan' },
          protocol: 'tcp',
          address: spec.clusterIP,
          port: 80,
        }),
      ),
    );
    if (cells.length === 0) throw new Error('no pod tried the Service');
    await until('the Service is reached', 60, async () => {
      const faults = (await ask(cells)).map(fault).filter((text) => text !== undefined);
      if (faults.length > 0) throw new Error([...new Set(faults)].join('\n'));
      return true;
    });
  });
  await outcomes.check('examples/underlay-service: nothing is left after its deletion', async () => {
    await cluster.kubectl(['delete', 'daemonset', 'ipvlan', '--cascade=foreground', '--timeout=60s']);
    await cluster.kubectl(['delete', ...manifests, '--ignore-not-found', '--timeout=60s']);
    await until('no trace, and no definition', 60, async () => {
      const named = [
        'net-attach-def',
        'macvlan-ens192',
        '-n',
        'kube-system',
        '--ignore-not-found',
        '-o',
        'name',
      ];
      const left = [...(await allTraces(cluster)), await cluster.kubectl(['get', ...named])].filter(Boolean);
      if (left.length > 0) throw new Error(left.join('\n'));
      return true;
    });
  });
}

async function podsOf(cluster: Cluster): Promise<UnderlayPod[]> {
  const { items } = (await cluster.get('pods', '-l', 'app=ipvlan')) as { items: UnderlayPod[] };
  return items;
}
