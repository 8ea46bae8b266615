// `orbctl lab ls`: the running labs with their nodes and pods, for people and for programs.

import type { RunningLab } from './running-labs.ts';

export interface LabListing {
  /** One line for each lab, and below it one for each pod. */
  readonly text: string;
  readonly labs: readonly RunningLab[];
}

/** With the pods of one namespace alone, or of all. */
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
