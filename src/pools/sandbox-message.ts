// What the leading controller asks agents: whether a pod still has a sandbox on their node. As JSON.

import { z } from 'zod';
import { readJson } from './commit-message.ts';

/** An agent sends its answers here and waits for the next questions about its own node. */
export const ANSWERS_PATH = '/v1/sandboxes/answers';
/** Who holds a token of the agents' ServiceAccount asks here about a node, as `orbctl gc` does. */
export const QUESTION_PATH = '/v1/sandboxes/question';

/** How long the leader keeps an agent waiting that is not asked anything, in milliseconds. */
export const QUESTION_WAIT_MS = 25_000;
/** The most questions of one message. All answers to them fit into one request. */
export const MOST_QUESTIONS = 300;

/** `alive`: the network namespace of a sandbox exists. `unknown`: the node cannot say, or does not answer. */
export type SandboxAnswer = 'alive' | 'gone' | 'unknown';

/** By the UID of the pod. */
export type SandboxAnswers = ReadonlyMap<string, SandboxAnswer>;

/** A question about one pod. Without a node, about all nodes. */
export interface SandboxQuestion {
  readonly node?: string;
  readonly podUid: string;
}

const uid = z.string().min(1).max(128);
const answer = z.enum(['alive', 'gone', 'unknown']);
const answersSchema = z.strictObject({ answers: z.record(uid, answer) });
const askedSchema = z.object({ asked: z.array(uid).max(MOST_QUESTIONS) });
const questionSchema = z.strictObject({ node: z.string().min(1).max(253).exactOptional(), podUid: uid });
const answerSchema = z.object({ sandbox: answer });

/** Whether a question about the pod can be asked: UIDs of Kubernetes have 36 characters, those of static pods 32. */
export function canBeAsked(podUid: string): boolean {
  return uid.safeParse(podUid).success;
}

export function answersText(answers: SandboxAnswers): string {
  return JSON.stringify({ answers: Object.fromEntries(answers) });
}

/** The answers of an agent; the text of what is wrong if they cannot be read. So do the other readers here. */
export function readAnswers(json: string): SandboxAnswers | string {
  const read = readJson(answersSchema, json);
  return typeof read === 'string' ? read : new Map(Object.entries(read.answers));
}

export function askedText(podUids: readonly string[]): string {
  return JSON.stringify({ asked: podUids });
}

export function readAsked(json: string): readonly string[] | string {
  const read = readJson(askedSchema, json);
  return typeof read === 'string' ? read : read.asked;
}

export function questionText({ node, podUid }: SandboxQuestion): string {
  return JSON.stringify({ node, podUid });
}

export function readQuestion(json: string): SandboxQuestion | string {
  return readJson(questionSchema, json);
}

export function sandboxText(sandbox: SandboxAnswer): string {
  return JSON.stringify({ sandbox });
}

/** The answer to one question. In an object, because an answer is a text too. */
export function readSandbox(json: string): { readonly sandbox: SandboxAnswer } | string {
  return readJson(answerSchema, json);
}
