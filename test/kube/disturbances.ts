// What goes wrong in a cluster: programs that are killed, a server that is away, a node that loses its power.

import { CONTROLLER_LEASE, IDENTITY_SECRET_NAME } from '#plan/installation';
import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { moveClock } from './node-clocks.ts';

/** Our programs read their token again after a minute. */
const secondsOfEndedTokens = 75;

export interface Disturbance {
  /** Completes the sentence "while pods roll, ...". */
  readonly title: string;
  readonly happen: (cluster: Cluster) => Promise<void>;
}

/** The replica of the controller that leads may run on either node. The disturbed node is the one with fewer other parts. */
const node: NodeName = 'node2';

/** Each ends one program, which whoever keeps it starts again. Two may happen at once. */
export const kills: readonly Disturbance[] = [
  { title: 'the controller that leads is killed', happen: killLeader },
  { title: 'an agent is killed', happen: (cluster) => killContainer(cluster, node, 'agent') },
  { title: 'the pods of the agents are deleted', happen: deleteAgents },
  { title: 'the server of Multus is killed', happen: (cluster) => killContainer(cluster, node, 'multus') },
  { title: 'the kubelet is killed', happen: (cluster) => cluster.restart(node, 'kubelet', 'KILL') },
  { title: 'containerd is killed', happen: (cluster) => cluster.restart(node, 'containerd', 'KILL') },
  { title: 'etcd is killed', happen: (cluster) => cluster.restart('hub', 'etcd', 'KILL') },
  {
    title: 'kube-apiserver is killed',
    happen: (cluster) => cluster.restart('hub', 'kube-apiserver', 'KILL'),
  },
  {
    title: 'kube-controller-manager is killed',
    happen: (cluster) => cluster.restart('hub', 'kube-controller-manager', 'KILL'),
  },
];

/** Each happens alone. */
export const outages = (secondsAway: number): readonly Disturbance[] => [
  {
    title: `kube-apiserver is away for ${secondsAway} s, and sandboxes of pods are killed meanwhile`,
    happen: (cluster) =>
      cluster.without('hub', 'kube-apiserver', async () => {
        await killSandboxes(cluster);
        await seconds(secondsAway);
      }),
  },
  { title: 'etcd forgets the past, and every watch begins anew', happen: compact },
  { title: 'the certificate of the webhooks is deleted', happen: deleteCertificate },
  { title: 'the tokens of our programs end, and the kubelet writes new ones', happen: endTokens },
  {
    title: `the disk under an agent's state is full for ${secondsAway} s, and the agent is killed meanwhile`,
    happen: (cluster) => fillDisk(cluster, secondsAway),
  },
  {
    title: 'the clock of a node jumps two hours ahead, two hours back, and to the right time',
    happen: jumpClock,
  },
];

async function killLeader(cluster: Cluster): Promise<void> {
  const leader = await until('a controller leads', 60, async () => {
    const { spec } = (await cluster.get('lease', '-n', 'kube-system', CONTROLLER_LEASE)) as LeaseObject;
    const controllers = await podsOf(cluster, 'orbweaver-controller');
    return controllers.find(({ metadata }) => spec.holderIdentity.startsWith(metadata.name)) ?? false;
  });
  await killContainer(cluster, leader.spec.nodeName, 'controller');
}

async function deleteAgents(cluster: Cluster): Promise<void> {
  await until('the agents are deleted', 60, async () => {
    const names = (await podsOf(cluster, 'orbweaver-agent')).map(({ metadata }) => metadata.name);
    await cluster.kubectl([
      'delete',
      'pods',
      '-n',
      'kube-system',
      '--ignore-not-found',
      '--wait=false',
      ...names,
    ]);
    return true;
  });
}

async function podsOf(cluster: Cluster, program: string): Promise<PodObject[]> {
  const label = ['-l', `app.kubernetes.io/name=${program}`];
  return ((await cluster.get('pods', '-n', 'kube-system', ...label)) as { items: PodObject[] }).items;
}

/** Kills the running container of this name on the node. */
async function killContainer(cluster: Cluster, on: NodeName, name: string): Promise<void> {
  const filter = `labels."io.kubernetes.container.name"==${name},labels."io.kubernetes.pod.namespace"==kube-system`;
  const script = [
    'killed=1',
    'for container in $(ctr -n k8s.io containers ls -q "$1"); do',
    '  if ctr -n k8s.io tasks kill -s SIGKILL "$container" 2>/dev/null; then killed=0; fi',
    'done',
    'exit $killed',
  ];
  // A container that was just killed is started again a little later.
  await until(`a container ${name} runs on ${on}`, 60, async () => {
    await cluster.node(on, ['sh', '-c', script.join('\n'), 'sh', filter]);
    return true;
  });
}

/** Ends the sandboxes of the Deployment's pods on the node: the kubelet makes new ones, with a DEL and an ADD for each. */
async function killSandboxes(cluster: Cluster): Promise<void> {
  const filter = 'labels."io.cri-containerd.kind"==sandbox,labels."app"==lives';
  const script =
    'for sandbox in $(ctr -n k8s.io containers ls -q "$1"); do ctr -n k8s.io tasks kill -s SIGKILL "$sandbox" || :; done';
  await cluster.node(node, ['sh', '-c', script, 'sh', filter]);
}

/** Removes all revisions but the newest: the API server answers 410 to a watch of an older one. */
async function compact(cluster: Cluster): Promise<void> {
  const ask = `const post = async (path, body) => {
    const answer = await fetch('http://127.0.0.1:2379/v3/kv/' + path, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  const { header } = await post('range', { key: 'AA==' });
  await post('compaction', { revision: header.revision, physical: true });`;
  await cluster.hub([process.execPath, '--input-type=module', '--eval', ask]);
  // Its watches reach the API server's memory, which has the past. A new server has none.
  await cluster.restart('hub', 'kube-apiserver', 'KILL');
}

/** The controllers make another one, and the API server is told its authority. */
async function deleteCertificate(cluster: Cluster): Promise<void> {
  const secret = ['secret', '-n', 'kube-system', IDENTITY_SECRET_NAME];
  const uid = async () => ((await cluster.get(...secret)) as { metadata: { uid: string } }).metadata.uid;
  const before = await uid();
  await cluster.kubectl(['delete', ...secret]);
  await until('there is another certificate', 60, async () => (await uid()) !== before);
}

/**
 * For longer than our programs keep a token in memory, each token on the disk is one that the API server refuses. The kubelet
 * compares the files with what it has, and puts the right tokens back, again and again.
 */
async function endTokens(cluster: Cluster): Promise<void> {
  const ended = `left=${secondsOfEndedTokens}; while [ $left -gt 0 ]; do
    for uid in "$@"; do
      for token in /var/lib/kubelet/pods/$uid/volumes/kubernetes.io~projected/*/token; do printf ended >"$token"; done
    done
    sleep 1; left=$((left - 1))
  done`;
  const pods = [
    ...(await podsOf(cluster, 'orbweaver-agent')),
    ...(await podsOf(cluster, 'orbweaver-controller')),
  ];
  const ending = nodeNames.map(async (on) => {
    const uids = pods.filter(({ spec }) => spec.nodeName === on).map(({ metadata }) => metadata.uid);
    await cluster.node(on, ['sh', '-ec', ended, 'sh', ...uids]);
  });
  await Promise.all([...ending, killContainer(cluster, node, 'agent')]);
  const said = await Promise.all(
    pods.map(({ metadata }) => cluster.kubectl(['logs', '-n', 'kube-system', metadata.name])),
  );
  if (!said.some((log) => log.includes('Unauthorized'))) throw new Error('no program was refused');
}

/** Nothing can be written but over the files that the agent keeps for it. */
async function fillDisk(cluster: Cluster, secondsFull: number): Promise<void> {
  const filler = '/var/lib/orbweaver/filler';
  await cluster.node(node, ['sh', '-c', `dd if=/dev/zero of=${filler} bs=4k 2>/dev/null; :`]);
  try {
    await killContainer(cluster, node, 'agent');
    await seconds(secondsFull);
  } finally {
    await cluster.node(node, ['rm', filler]);
  }
}

async function jumpClock(cluster: Cluster): Promise<void> {
  for (const hours of [2, -2, 0]) {
    await moveClock(cluster, node, hours);
    await seconds(5);
  }
}

interface LeaseObject {
  readonly spec: { readonly holderIdentity: string };
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName: NodeName };
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));
