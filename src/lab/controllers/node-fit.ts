// Which nodes a pod may run on.

import type { Node, PodSpec } from '#api';

/** Whether the node has the labels and the name that the pod asks for. */
export function fits(spec: PodSpec | undefined, { metadata }: Node): boolean {
  const { nodeName = '', nodeSelector = {} } = spec ?? {};
  const labels = metadata.labels ?? {};
  return (
    (nodeName === '' || nodeName === metadata.name) &&
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)
  );
}

/** Whether new pods may be placed on the node. */
export function takesPods(node: Node): boolean {
  return isReadyNode(node) && node.spec?.unschedulable !== true;
}

function isReadyNode({ status }: Node): boolean {
  return (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

/** Why the pod cannot run on the node, in kube-scheduler's words; undefined if it can. */
function refusalOf(spec: PodSpec | undefined, node: Node): string | undefined {
  if (!isReadyNode(node)) return 'node(s) were not ready';
  if (node.spec?.unschedulable === true) return 'node(s) were unschedulable';
  return fits(spec, node) ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

/** Why no node can run the pod: `0/3 nodes are available: 2 node(s) were unschedulable, 1 node(s) were not ready.` */
export function noNodeText(spec: PodSpec | undefined, nodes: readonly Node[]): string {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const reason = refusalOf(spec, node);
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  if (nodes.length === 0) return 'no nodes available to schedule pods';
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${nodes.length} nodes are available: ${reasons.join(', ')}.`;
}
