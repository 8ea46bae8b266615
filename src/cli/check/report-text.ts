// What `orbctl check` prints: one line if all is well, otherwise each object that differs from the plan.

import type { NodeReport, PodReport } from '#api';
import { oneLine } from '../one-line.ts';

/** The report as text, and whether something differs from the plan or still differs after a repair. */
export interface CheckOutcome {
  readonly text: string;
  readonly wrong: boolean;
}

export function checkOutcome(report: NodeReport): CheckOutcome {
  const blocks = [...report.pods.map(podBlock), nodeBlock(report.node)].filter(
    (block) => block !== undefined,
  );
  return {
    text: [...blocks, summary(report)].join('\n'),
    wrong: [...report.pods, report.node].some(isWrong),
  };
}

type Part = Pick<PodReport, 'drift' | 'repaired'> & {
  readonly lost?: readonly string[];
  readonly error?: string | undefined;
};

function isWrong({ drift, repaired, lost = [], error }: Part): boolean {
  return (drift.length > 0 && !repaired) || lost.length > 0 || error !== undefined;
}

function podBlock(pod: PodReport): string | undefined {
  const sandbox = `${pod.interfaces.join(', ')}; container ${pod.containerId.slice(0, 12)}`;
  const name = pod.name === '' ? 'a pod without a name' : `${pod.namespace}/${pod.name}`;
  return block(`${name} (${sandbox})`, pod);
}

function nodeBlock(node: NodeReport['node']): string | undefined {
  return block(`node ${node.name}`, node);
}

function block(title: string, { drift, repaired, lost = [], error }: Part): string | undefined {
  const lines = [
    ...drift.map((sentence) => (repaired ? `repaired: ${sentence}` : sentence)),
    ...lost.map((sentence) => `cannot be repaired: ${sentence}`),
    ...(error === undefined ? [] : [`failed: ${error}`]),
  ];
  return lines.length === 0 ? undefined : [title, ...lines.map((line) => `  ${oneLine(line)}`)].join('\n');
}

function summary({ node, pods }: NodeReport): string {
  const count = `${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}`;
  const parts: Part[] = [...pods, node];
  if (!parts.some((part) => isWrong(part) || part.repaired))
    return `${node.name}: no drift (the node and ${count})`;
  const repaired = parts.filter((part) => part.repaired && !isWrong(part)).length;
  const repairable = parts.filter((part) => part.drift.length > 0 && !part.repaired).length;
  const beyond = parts.filter((part) => isWrong(part)).length - repairable;
  const words = [
    ...(repaired > 0 ? [`${repaired} repaired`] : []),
    ...(repairable > 0 ? [`${repairable} with drift, which "orbctl check --repair" repairs`] : []),
    ...(beyond > 0 ? [`${beyond} with drift that cannot be repaired`] : []),
  ];
  return `${node.name}: of the node and ${count}, ${words.join('; ')}`;
}
