// Questions to the agents: whether a pod still has a sandbox on their node. Each agent waits here for questions about its
// own node. Nothing waits long for an agent: one that is late is not asked until it comes again.

import type { Clock } from '#base';
import {
  canBeAsked,
  MOST_QUESTIONS,
  QUESTION_WAIT_MS,
  type SandboxAnswer,
  type SandboxAnswers,
} from '#pools';

/** How long an agent may take for an answer. It looks in its memory and opens a file for each NIC. */
const ANSWER_MS = 2000;
/** Questions about one node that wait at one time. */
const MOST_WAITING = 2 * MOST_QUESTIONS;

interface Question {
  readonly answer: Promise<SandboxAnswer>;
  readonly resolve: (answer: SandboxAnswer) => void;
  sent: boolean;
}

/** The questions to one node, from the first request of its agent on. */
interface Line {
  readonly questions: Map<string, Question>;
  /** Ends the agent's waiting. Undefined while the agent is away with questions. */
  wake: (() => void) | undefined;
}

export class NodeQuestions {
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What the agent of the node says now. Resolves after two seconds at most, and at once if no agent waits. Without a
   * node, all agents are asked: one that knows a living sandbox decides, else one that knows that it is gone.
   */
  async ask(node: string | undefined, podUid: string): Promise<SandboxAnswer> {
    if (node !== undefined) return this.#askOne(node, podUid);
    const said = await Promise.all([...this.#lines.keys()].map((name) => this.#askOne(name, podUid)));
    return said.includes('alive') ? 'alive' : said.includes('gone') ? 'gone' : 'unknown';
  }

  async #askOne(node: string, podUid: string): Promise<SandboxAnswer> {
    const line = this.#lines.get(node);
    if (line === undefined || !canBeAsked(podUid)) return 'unknown';
    const known = line.questions.get(podUid);
    if (known !== undefined) return known.answer;
    if (line.questions.size >= MOST_WAITING) return 'unknown';
    const { promise: answer, resolve } = Promise.withResolvers<SandboxAnswer>();
    line.questions.set(podUid, { answer, resolve, sent: false });
    line.wake?.();
    const answered = new AbortController();
    this.#clock.sleep(ANSWER_MS, answered.signal).then(
      () => this.#drop(node, line),
      () => {}, // it was answered
    );
    return answer.finally(() => answered.abort());
  }

  /**
   * Takes answers of the node's agent, and resolves with the next questions, after {@link QUESTION_WAIT_MS} with none.
   * Rejects if the signal aborts: the agent has gone. Of two agents on a node, the newer one is asked.
   */
  async exchange(node: string, answers: SandboxAnswers, signal: AbortSignal): Promise<readonly string[]> {
    const line = this.#line(node);
    for (const [podUid, answer] of answers) {
      const question = line.questions.get(podUid);
      if (question?.sent !== true) continue;
      line.questions.delete(podUid);
      question.resolve(answer);
    }
    line.wake?.();
    const first = takeUnsent(line);
    if (first.length > 0) return first;
    await this.#wait(node, line, signal);
    return takeUnsent(line);
  }

  /** Forgets all agents: this program leads no more. */
  clear(): void {
    for (const [node, line] of this.#lines) this.#drop(node, line);
  }

  #line(node: string): Line {
    const known = this.#lines.get(node);
    if (known !== undefined) return known;
    const line: Line = { questions: new Map(), wake: undefined };
    this.#lines.set(node, line);
    return line;
  }

  /** Waits for a question, a newer agent of the node, or the end of the time. */
  async #wait(node: string, line: Line, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    line.wake = wake;
    try {
      await this.#clock.sleep(QUESTION_WAIT_MS, AbortSignal.any([signal, woken.signal]));
    } catch {
      if (signal.aborted && line.wake === wake) this.#drop(node, line);
      signal.throwIfAborted();
    } finally {
      if (line.wake === wake) line.wake = undefined;
    }
  }

  /** The agent is silent: its questions have no answer, and no more are asked until it comes again. */
  #drop(node: string, line: Line): void {
    if (this.#lines.get(node) === line) this.#lines.delete(node);
    for (const { resolve } of line.questions.values()) resolve('unknown');
    line.questions.clear();
    line.wake?.();
  }
}

/** The next questions for the agent. They count as sent from now on. */
function takeUnsent({ questions }: Line): string[] {
  const fresh = [...questions].filter(([, { sent }]) => !sent).slice(0, MOST_QUESTIONS);
  for (const [, question] of fresh) question.sent = true;
  return fresh.map(([podUid]) => podUid);
}
