// Asks, from within a namespace, what can be reached: one lab-probe process for each source, its questions in parallel.

import { run } from './command.ts';

export type ProbeProtocol = 'icmp' | 'tcp' | 'udp';

/** One question. */
export interface Question {
  readonly protocol: ProbeProtocol;
  readonly address: string;
  /** 0 for ICMP. */
  readonly port: number;
  /** The address that the asking socket is bound to; the kernel's choice where undefined. */
  readonly bind?: string;
}

/** What was found. */
export interface Verdict {
  readonly works: boolean;
  /** The address that the server saw; undefined for ICMP and for what failed. */
  readonly source?: string;
  /** Why it failed, as the prober says it. */
  readonly reason?: string;
}

/** Asks all questions of one source; `argv` runs lab-probe in its namespace. Verdicts are in the order of the questions. */
export type Ask = (
  argv: readonly [string, ...string[]],
  questions: readonly Question[],
) => Promise<Verdict[]>;

/** Long enough for a lost first packet (TCP sends it again after 1 s), short enough for cells that cannot work. */
const timeoutMs = 2500;
const crowdTimeoutMs = 8000;
const hastyTimeoutMs = 1500;

export const askByProbe: Ask = (argv, questions) => askPatiently(argv, questions, timeoutMs);

/** The same where many questions are expected to stay without an answer. */
export const askInHaste: Ask = (argv, questions) => askPatiently(argv, questions, hastyTimeoutMs);

/** The same for a crowd: where hundreds ask at once, each waits for its turn. */
export const askInCrowd: Ask = (argv, questions) => askPatiently(argv, questions, crowdTimeoutMs);

async function askPatiently(
  argv: readonly [string, ...string[]],
  questions: readonly Question[],
  patienceMs: number,
): Promise<Verdict[]> {
  const input = questions
    .map(({ protocol, address, port, bind = '' }, id) => `${id} ${protocol} ${address} ${port} ${bind}\n`)
    .join('');
  const printed = await run({ argv: [...argv, 'ask', String(patienceMs)], input });
  const verdicts = new Map(printed.split('\n').map((line) => [Number.parseInt(line, 10), verdictOf(line)]));
  return questions.map((_, id) => verdicts.get(id) ?? { works: false, reason: 'the prober gave no verdict' });
}

/** `3 works 10.6.0.1` or `3 fails connect: no answer`. */
export function verdictOf(line: string): Verdict {
  const [, kind, rest = ''] = /^\d+ (works|fails) (.*)$/.exec(line) ?? [];
  if (kind !== 'works') return { works: false, reason: rest };
  return rest === '-' ? { works: true } : { works: true, source: rest };
}
