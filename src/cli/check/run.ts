// The work of `orbctl check --node`: the agent's report, as text or JSON, and the exit code.

import { errorText, isOrbError } from '#base';
import type { CheckFlags } from '../check.ts';
import { askAgent } from './ask-agent.ts';
import { checkOutcome } from './report-text.ts';

export interface CheckRun {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

export async function runCheck({ repair, json, socket }: CheckFlags): Promise<CheckRun> {
  try {
    const report = await askAgent(socket, { repair });
    const { text, wrong } = checkOutcome(report);
    const out = json ? JSON.stringify(report, undefined, 2) : text;
    return { out: `${out}\n`, err: '', exitCode: wrong ? 1 : 0 };
  } catch (error) {
    if (!isOrbError(error, 'AGENT_UNREACHABLE')) throw error;
    return { out: '', err: `orbctl: ${errorText(error)}\n${error.advice}\n`, exitCode: 2 };
  }
}
