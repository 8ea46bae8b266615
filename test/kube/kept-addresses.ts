// Which addresses outlive a pod on a real cluster, and which are freed: StatefulSets, drains, requests, pods deleted by force.

import { type Cluster, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import type { Installation } from './installation.ts';
import type { Outcomes } from './outcome.ts';
import { allocations } from './traces.ts';
import { underlayPod } from './underlay-pod.ts';

interface PodObject {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIPs?: readonly { readonly ip: string }[] };
}

export interface KeptAddressesParts {
  readonly cluster: Cluster;
  readonly outcomes: Outcomes;
  readonly installation: Installation;
}

export async function playKeptAddresses(parts: KeptAddressesParts): Promise<void> {
  const { cluster, outcomes, installation } = parts;
  let first: readonly string[] = [];
  await outcomes.check(
    'the pods of a StatefulSet keep their addresses through a rolling update',
    async () => {
      await installation.apply('test/kube/manifests/fixed.yaml');
      await untilRolledOut(cluster);
      first = await addressesOf(cluster);
      if (first.length !== 2) throw new Error(`there are pods ${first.join('; ')}`);
      const changed = { spec: { template: { metadata: { annotations: { 'example.com/version': '2' } } } } };
      await cluster.kubectl(['patch', 'statefulset', 'fixed', '--type=merge', '-p', JSON.stringify(changed)]);
      await untilRolledOut(cluster);
      await expectSame(cluster, first);
    },
  );
  await outcomes.check('they keep them when their node is drained, on another node', async () => {
    await cluster.kubectl(['drain', 'node1', '--ignore-daemonsets', '--timeout=60s']);
    await untilRolledOut(cluster);
    const { items } = await podsOf(cluster);
    const elsewhere = items.filter(({ spec }) => spec.nodeName !== 'node2');
    if (elsewhere.length > 0) throw new Error(`${elsewhere[0]?.metadata.name} is not on node2`);
    await cluster.kubectl(['uncordon', 'node1']);
    await expectSame(cluster, first);
  });
  await outcomes.check('an ordinal that is scaled away gives its addresses back', async () => {
    await cluster.kubectl(['scale', 'statefulset', 'fixed', '--replicas=1']);
    await until('the other ordinal has what it had, and nothing else is held', 60, async () => {
      await expectSame(cluster, first.slice(0, 1));
      return true;
    });
    await cluster.kubectl(['delete', 'statefulset', 'fixed', '--cascade=foreground', '--timeout=60s']);
    await untilNothingHeld(cluster);
  });
  await outcomes.check('a pod gets the address that it requests', async () => {
    const requested = '192.168.50.140';
    const annotations = { 'ipam.orbweaver.io/ips': JSON.stringify({ eth0: requested }) };
    await cluster.kubectl(['create', '-f', '-'], underlayPod({ name: 'requesting', annotations }));
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/requesting', '--timeout=60s']);
    const { status } = (await cluster.get('pod', 'requesting')) as PodObject;
    if (status.podIPs?.[0]?.ip !== requested) throw new Error(`it has ${JSON.stringify(status.podIPs)}`);
  });
  await outcomes.check(
    'the controller frees what a pod had that was deleted by force, without an agent',
    async () => {
      const { spec } = (await cluster.get('pod', 'requesting')) as PodObject;
      const node = nodeNames.find((name) => name === spec.nodeName) ?? 'node1';
      await installation.agents.stop(node, 'KILL');
      await cluster.kubectl(['delete', 'pod', 'requesting', '--force', '--grace-period=0']);
      // The pod may still run on its node, so the controller waits for 60 s.
      await untilNothingHeld(cluster, 100);
      await installation.agents.start(node);
    },
  );
}

function podsOf(cluster: Cluster): Promise<{ items: PodObject[] }> {
  return cluster.get('pods', '-l', 'app=fixed') as Promise<{ items: PodObject[] }>;
}

/** A line for each pod. */
async function addressesOf(cluster: Cluster): Promise<string[]> {
  const { items } = await podsOf(cluster);
  return items.map(({ metadata, status }) =>
    [metadata.name, ...(status.podIPs ?? []).map(({ ip }) => ip)].join(' '),
  );
}

/** What the pods have, and what the pools record for them. */
async function expectSame(cluster: Cluster, wanted: readonly string[]): Promise<void> {
  const found = await addressesOf(cluster);
  if (found.join('\n') !== wanted.join('\n'))
    throw new Error(`before:\n${wanted.join('\n')}\nafter:\n${found.join('\n')}`);
  const held = (await allocations(cluster)).map(({ address }) => address).toSorted();
  const shown = found.flatMap((line) => line.split(' ').slice(1)).toSorted();
  if (held.join() !== shown.join()) throw new Error(`the pools record ${held.join(' ')}`);
}

async function untilRolledOut(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['rollout', 'status', 'statefulset/fixed', '--timeout=90s']);
  await until('both pods are Ready', 60, async () => {
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod', '-l', 'app=fixed', '--timeout=1s']);
    return (await podsOf(cluster)).items.length === 2;
  });
}

async function untilNothingHeld(cluster: Cluster, seconds = 60): Promise<void> {
  await until('the pools record nothing', seconds, async () => {
    const held = await allocations(cluster);
    if (held.length > 0) throw new Error(held.map(({ address }) => address).join(' '));
    return true;
  });
}
