// Tests from a namespace what can be reached. Each source has one lab-probe process, which asks its questions in parallel.

import { run } from '../command.ts';

export type ProbeProtocol = 'icmp' | 'tcp' | 'udp';

/** One question. */
export interface Question {
  readonly protocol: ProbeProtocol;
  readonly address: string;
  /** 0 for ICMP. */
  readonly port: number;
  /** The address that the asking socket is bound to. If undefined, the kernel chooses. */
  readonly bind?: string;
}

/** The result. */
export interface Verdict {
  readonly works: boolean;
  /** The address that the server saw; undefined for ICMP and after a failure. */
  readonly source?: string;
  /** The reason of the failure, in the words of lab-probe. */
  readonly reason?: string;
}

/** Asks all questions of one source. `argv` runs lab-probe in its namespace. The verdicts have the order of the questions. */
export type Ask = (
  argv: readonly [string, ...string[]],
  questions: readonly Question[],
) => Promise<Verdict[]>;

/** Long enough for a lost first packet (TCP sends it again after 1 s), short enough for cells that cannot work. */
const TIMEOUT_MS = 2500;
const CROWD_TIMEOUT_MS = 8000;
const HASTY_TIMEOUT_MS = 1500;

export const askByProbe: Ask = (argv, questions) => askPatiently(argv, questions, TIMEOUT_MS);

/** The same, when many questions are expected to get no answer. */
export const askInHaste: Ask = (argv, questions) => askPatiently(argv, questions, HASTY_TIMEOUT_MS);

/** The same, when hundreds ask at once and each waits for its turn. */
export const askInCrowd: Ask = (argv, questions) => askPatiently(argv, questions, CROWD_TIMEOUT_MS);

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
