// A pod that is deleted by force while the kubelet of its node hangs: its sandbox still runs, with its address on the LAN.

import { type Cluster, home, type NodeName } from './cluster.ts';
import { until } from './command.ts';
import type { KeptAddressesParts } from './kept-addresses.ts';
import { allocations, untilNothingLeft } from './traces.ts';
import { underlayPod } from './underlay-pod.ts';

/** The controller runs on the other one. */
const node: NodeName = 'node2';

interface Report {
  readonly addresses: readonly {
    readonly podUid: string;
    readonly sandbox: string | null;
    readonly verdict: string;
    readonly reason: string;
  }[];
  readonly nodesUnasked: string | null;
}

export async function playHungKubelet(parts: KeptAddressesParts): Promise<void> {
  const { cluster, outcomes, installation } = parts;
  let uid = '';
  const holds = async () => (await allocations(cluster)).some(({ podUid }) => podUid === uid);
  const collect = async (...options: string[]) =>
    JSON.parse(await cluster.hub([...installation.orbctl, 'gc', '-o', 'json', ...options])) as Report;
  /** True if `orbctl gc` says this of both addresses of the pod: sandbox and verdict. Throws otherwise. */
  const gcSays = async (what: string) => {
    const { addresses, nodesUnasked } = await collect('--dry-run');
    const own = addresses.filter(({ podUid }) => podUid === uid);
    if (own.length === 2 && own.every(({ sandbox, verdict }) => `${sandbox} ${verdict}` === what))
      return true;
    throw new Error(JSON.stringify({ own, nodesUnasked }));
  };
  await outcomes.check('a pod deleted by force keeps its address while its sandbox lives', async () => {
    await cluster.kubectl(['create', '-f', '-'], underlayPod({ name: 'hung', node }));
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/hung', '--timeout=60s']);
    ({ uid } = ((await cluster.get('pod', 'hung')) as { metadata: { uid: string } }).metadata);
    await signalKubelet(cluster, 'STOP');
    await cluster.kubectl(['delete', 'pod', 'hung', '--force', '--grace-period=0']);
    await until('orbctl gc says that it is alive and kept', 20, () => gcSays('alive keep'));
    await collect();
    if (!(await holds())) throw new Error('orbctl gc has freed the addresses');
  });
  await outcomes.check(
    'its address is freed when the sandbox is gone, without a minute of waiting',
    async () => {
      if (!(await holds())) throw new Error('they were freed before');
      await killSandbox(cluster, uid);
      const begun = performance.now();
      // The controller looks again half a minute after its last look.
      await until('the pools record nothing', 50, async () => !(await holds()));
      if (performance.now() - begun > 50_000) throw new Error('it took too long');
    },
  );
  await outcomes.check('when the kubelet works again, it finds nothing of the pod', async () => {
    await signalKubelet(cluster, 'CONT');
    await cluster.kubectl(['wait', '--for=condition=Ready', `node/${node}`, '--timeout=60s']);
    await untilNothingLeft(cluster);
  });
}

async function signalKubelet(cluster: Cluster, signal: 'STOP' | 'CONT'): Promise<void> {
  const pid = (await cluster.node(node, ['cat', `${home}/${node}/kubelet.pid`])).trim();
  await cluster.node(node, ['kill', `-${signal}`, pid]);
}

/** Ends the containers of the pod, and unmounts its network namespace, which removes its NICs. */
async function killSandbox(cluster: Cluster, uid: string): Promise<void> {
  const script = [
    `for task in $(ctr -n k8s.io containers ls -q 'labels."io.kubernetes.pod.uid"=="${uid}"'); do`,
    '  path=$(ctr -n k8s.io containers info "$task" | sed -n \'s|.*"path": "\\(/var/run/netns/[^"]*\\)".*|\\1|p\' | head -n 1)',
    '  ctr -n k8s.io tasks kill -s SIGKILL "$task" || :',
    '  paths="$paths $path"',
    'done',
    'for path in $(printf "%s\\n" $paths | sort -u); do umount "$path" && rm "$path"; done',
  ];
  await cluster.node(node, ['sh', '-c', script.join('\n')]);
}
