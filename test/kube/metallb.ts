// MetalLB on a running cluster: its controller, and a speaker on each node that answers ARP and neighbour discovery (L2 mode).

import { globSync } from 'node:fs';
import { join } from 'node:path';
import { builtPrograms, goVersion, moduleSource } from './build.ts';
import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';
import { metalLbSet } from './programs.ts';

const module = join(import.meta.dirname, 'metallb');
const namespace = 'metallb-system';

/** Resolves when its programs run. They have no rights of their own here: what they may do is not what is tried. */
export async function installMetalLb(cluster: Cluster): Promise<void> {
  const programs = await builtPrograms((await goVersion()) ?? '', metalLbSet);
  for (const file of await kindsOfMetalLb()) await cluster.apply(file);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await cluster.kubectl(['create', 'namespace', namespace]);
  const common = ['--kubeconfig', `${home}/pki/admin.kubeconfig`, '--namespace', namespace];
  const controller = [join(programs, 'metallb-controller'), ...common, '--deployment', 'controller'];
  const env = { METALLB_BGP_TYPE: 'native' };
  await cluster.startOnNode('node1', [...controller, '--webhook-mode', 'disabled', '--port', '7473'], {
    env,
  });
  for (const node of nodeNames) {
    // A speaker wants to see its pod, which owns what it writes.
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(podOf(node)));
    const speaker = [join(programs, 'metallb-speaker'), ...common, '--node-name', node];
    await cluster.startOnNode(node, [...speaker, '--pod-name', `speaker-${node}`], { env });
  }
}

function podOf(node: NodeName): object {
  const container = { name: 'pod', image: 'localhost/orbweaver/probe:1', imagePullPolicy: 'Never' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `speaker-${node}`, namespace },
    spec: {
      nodeName: node,
      hostNetwork: true,
      containers: [{ ...container, command: ['lab-probe', 'serve', '7474'] }],
    },
  };
}

/** The files of its CustomResourceDefinitions, from the module that its programs are built from. */
async function kindsOfMetalLb(): Promise<string[]> {
  const folder = await moduleSource('go.universe.tf/metallb', module);
  return globSync(join(folder, 'config/crd/bases/*.yaml')).toSorted();
}
