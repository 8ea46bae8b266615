// Many pods that are created at once: how long it takes until they run.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.ts';
import { until } from './command.ts';

export interface Burst {
  /** Milliseconds until each pod ran since it was first seen. */
  readonly startsMs: readonly number[];
  /** Milliseconds from the request until all ran. */
  readonly allMs: number;
}

/** Annotations of pods on the underlay. */
export const underlay = { 'v1.multus-cni.io/default-network': 'kube-system/macvlan-many' };

/** Annotations of pods that have the network of the cluster only. */
export const overlay = {};

export interface BurstOptions {
  readonly count: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Undefined: the scheduler spreads the pods evenly over the nodes. */
  readonly node?: string;
}

/** Creates pods, and resolves when all run. They stay. */
export async function startBurst(cluster: Cluster, options: BurstOptions): Promise<Burst> {
  const seen = new Map<string, number>();
  const running = new Map<string, number>();
  const watch = watchPods(cluster, (name, isReady) => {
    const now = performance.now();
    if (!seen.has(name)) seen.set(name, now);
    if (isReady && !running.has(name)) running.set(name, now);
  });
  try {
    const began = performance.now();
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(burstOf(options)));
    await until(`${options.count} pods run`, 600, async () => {
      if (running.size < options.count) throw new Error(`${running.size} run`);
      return true;
    });
    const startsMs = [...running].map(([name, at]) => at - (seen.get(name) ?? at));
    return { startsMs, allMs: Math.max(...running.values()) - began };
  } finally {
    await watch.stop();
  }
}

/** Deletes the pods of {@link startBurst}. Resolves with the milliseconds until they were gone. */
export async function endBurst(cluster: Cluster): Promise<number> {
  const began = performance.now();
  await cluster.kubectl(['delete', 'deployment', 'burst', '--cascade=foreground', '--timeout=600s']);
  await until('the pods are gone', 600, async () => {
    return (await cluster.kubectl(['get', 'pods', '-l', 'app=burst', '-o', 'name'])) === '';
  });
  return performance.now() - began;
}

/**
 * Failures of the sandboxes of pods, as the kubelet tells them in Events. Left out are those where Multus gave up before it
 * called a plugin: it gives the API server 0.25 s (shortPollDuration in its pkg/multus), which a busy machine exceeds.
 */
export async function sandboxFailures(cluster: Cluster): Promise<string[]> {
  const { items } = (await cluster.get(
    'events',
    '--field-selector',
    'reason=FailedCreatePodSandBox,involvedObject.namespace=default',
  )) as { items: { message: string; involvedObject: { name: string } }[] };
  return items
    .filter(({ involvedObject }) => involvedObject.name.startsWith('burst-'))
    .filter(({ message }) => !message.includes('error waiting for pod'))
    .map(({ message, involvedObject }) => `${involvedObject.name}: ${message}`);
}

/**
 * Prints a line for each change of a pod, until its standard input ends. A busy API server may end a watch at any time. From
 * outside, a signal would reach nsenter only: the script ends its process group itself.
 */
const watching =
  'while :; do kubectl get pods -l app=burst --watch --no-headers -o "$1"; done & cat >/dev/null; kill 0';

/** Calls for each change of a pod of the burst that the API server tells. */
function watchPods(cluster: Cluster, onChange: (name: string, isReady: boolean) => void) {
  const columns = 'custom-columns=NAME:.metadata.name,READY:.status.containerStatuses[0].ready';
  const [enter, ...entering] = cluster.entering('hub');
  const child = spawn(enter, [...entering, 'sh', '-c', watching, 'sh', columns], {
    env: { ...process.env, ...cluster.environment },
    stdio: ['pipe', 'pipe', 'inherit'],
    // A process group of its own.
    detached: true,
  });
  const ended = once(child, 'close');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [name = '', ready] = line.trim().split(/\s+/);
    onChange(name, ready === 'true');
  });
  return {
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function burstOf({ count, annotations, node }: BurstOptions): object {
  const labels = { app: 'burst' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'burst' },
    spec: {
      replicas: count,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations },
        spec: {
          ...(node !== undefined && { nodeSelector: { 'kubernetes.io/hostname': node } }),
          terminationGracePeriodSeconds: 1,
          automountServiceAccountToken: false,
          topologySpreadConstraints: [
            {
              topologyKey: 'kubernetes.io/hostname',
              maxSkew: 1,
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [
            {
              name: 'server',
              image: 'localhost/orbweaver/probe:1',
              imagePullPolicy: 'Never',
              command: ['lab-probe', 'serve', '8080'],
            },
          ],
        },
      },
    },
  };
}
