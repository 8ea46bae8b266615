// `orbctl lab ls`: the running labs with their nodes and pods, as text or JSON.

import type { RunningLab } from './running-labs.ts';

export interface LabListing {
  /** One line for each lab, followed by one line for each of its pods. */
  readonly text: string;
  readonly labs: readonly RunningLab[];
}

/** Shows only the pods of one namespace, or those of all. */
export function labListing(running: readonly RunningLab[], namespace?: string): LabListing {
  const labs = running.map((lab) => ({
    ...lab,
    pods: lab.pods.filter((pod) => namespace === undefined || pod.namespace === namespace),
  }));
  const lines = labs.flatMap(({ pid, kubeconfig, nodes, pods }) => [
    `lab ${pid}  KUBECONFIG=${kubeconfig}  nodes: ${nodes.join(' ')}`,
    ...pods.map((pod) => `  ${pod.namespace}/${pod.name}  ${pod.node}  ${pod.netns}`),
  ]);
  if (lines.length === 0) lines.push('no lab is running: `npm run lab` starts one');
  return { labs, text: lines.map((line) => `${line}\n`).join('') };
}
