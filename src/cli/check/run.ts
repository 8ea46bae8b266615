// The work of `orbctl check`: the agent's report, as text or JSON, and the exit code.

import { NODE_CHECK_TYPE, type NodeCheck, nodeReportSchema } from '#api';
import { OrbError } from '#base';
import type { Paint } from '#program';
import { askAgent } from '../ask-agent.ts';
import type { CheckFlags } from '../check.ts';
import { checkOutcome } from './report-text.ts';

export interface CheckRun {
  readonly text: string;
  /** 0 if all is as planned or was repaired; 1 if something differs. */
  readonly exitCode: 0 | 1;
}

/** Throws AGENT_UNREACHABLE if no agent answers. */
export async function runCheck(flags: CheckFlags, paint: Paint): Promise<CheckRun> {
  const { repair, json, socket, namespace } = flags;
  if (repair && namespace !== undefined) {
    const message = '--repair repairs the whole node: remove --namespace';
    throw new OrbError('INPUT_INVALID', { message });
  }
  const check: NodeCheck = { repair };
  const whole = nodeReportSchema.parse(await askAgent(socket, NODE_CHECK_TYPE, check));
  const pods = whole.pods.filter((pod) => namespace === undefined || pod.namespace === namespace);
  const report = { ...whole, pods };
  const { text, wrong } = checkOutcome(report);
  return {
    text: json ? JSON.stringify(report, undefined, 2) : paint(wrong ? 'bad' : 'good', text),
    exitCode: wrong ? 1 : 0,
  };
}
