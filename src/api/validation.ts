// Checks a value against a schema. Says in the user's words what is wrong: field, value, and what is allowed.

import type { z } from 'zod';
import { type ErrorCode, OrbError } from '#base';

/** One thing wrong with a value. */
export interface FieldIssue {
  /** In the user's notation: `spec.ips[0]`. Empty for the whole value. */
  readonly field: string;
  /** The value that was found. Undefined if the field is missing. */
  readonly value: unknown;
  /** What is allowed. */
  readonly message: string;
}

/** What is checked. For the error message. */
export interface Checked {
  /** `annotation ipam.spidernet.io/ippools`, `coordinator configuration`. */
  readonly subject: string;
  /** INPUT_INVALID by default. */
  readonly code?: ErrorCode;
}

/**
 * `value` as typed by the schema, with its defaults.
 * @throws OrbError with every field that is wrong
 */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  { subject, code = 'INPUT_INVALID' }: Checked,
): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const told = issues.slice(0, MOST_TOLD).map((issue) => issueText(fieldIssue(issue)));
  if (issues.length > MOST_TOLD) told.push(`${issues.length - MOST_TOLD} more fields are wrong`);
  const message = told.join('; ');
  throw new OrbError(code, { message: `${subject}: ${message}`, subject });
}

/** What is wrong with `value`. Empty if nothing is wrong. */
export function issuesOf(schema: z.ZodType, value: unknown): FieldIssue[] {
  const parsed = schema.safeParse(value, { reportInput: true });
  return parsed.success ? [] : parsed.error.issues.map(fieldIssue);
}

/** The checked JSON in `text`. `subject` names its annotation, file or stream. */
export function checkJson<T>(schema: z.ZodType<T>, text: string, checked: Checked): T {
  return check(schema, parseJson(text, checked), checked);
}

/** A message must stay short enough for people to read. */
const MOST_TOLD = 10;

/**
 * No real configuration or annotation is nested so deeply. Functions that visit a value use stack for each level, for
 * example JSON.stringify.
 */
const DEEPEST = 200;

/**
 * The JSON in `text`.
 * @throws OrbError if it is not JSON, or nested too deeply
 */
export function parseJson(text: string, { subject, code = 'INPUT_INVALID' }: Checked): unknown {
  if (isDeeperThan(text, DEEPEST)) {
    const message = `${subject}: objects and lists are nested more than ${DEEPEST} levels deep; allowed: ${DEEPEST}`;
    throw new OrbError(code, { message, subject });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    throw new OrbError(code, {
      message: `${subject}: ${JSON.stringify(shown)} is not valid JSON`,
      subject,
      said: (cause as Error).message,
    });
  }
}

/** Counts brackets, so it needs no stack. Brackets in strings do not count. */
function isDeeperThan(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openBracket || code === openBrace) depth += 1;
    else if (code === closeBracket || code === closeBrace) depth -= 1;
    if (depth > most) return true;
  }
  return false;
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [
  0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d,
];

/** Where the string that begins at `start` ends: at its last quote, or at the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function issueText({ field, value, message }: FieldIssue): string {
  if (value === undefined) return `${field || 'value'}: ${message}`;
  return `${field}${field && ': '}${shortJson(value)} ${message}`;
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function fieldIssue(issue: z.core.$ZodIssue): FieldIssue {
  const deepest = issue.code === 'invalid_union' ? unionIssue(issue) : undefined;
  if (deepest !== undefined) return deepest;
  return { field: fieldPath(issue.path), value: issue.input, message: expectation(issue) };
}

/** In a union, the branch that matched the value furthest gives the best message. */
function unionIssue(issue: z.core.$ZodIssueInvalidUnion): FieldIssue | undefined {
  const inner = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)[0];
  if (inner === undefined || inner.path.length === 0) return undefined;
  return fieldIssue({ ...inner, path: [...issue.path, ...inner.path] });
}

function fieldPath(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '');
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined ? 'is required' : `must be of type ${typeName(issue.expected)}`;
  }
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String).join(', ');
    return issue.input === undefined ? `is required: one of ${allowed}` : `is not one of ${allowed}`;
  }
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unit(issue.origin)}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unit(issue.origin)}`;
  if (issue.code === 'not_multiple_of') return 'must be a whole number';
  if (issue.code === 'invalid_format' && issue.pattern !== undefined && isOfZod(issue.message)) {
    return `must match ${issue.pattern}`;
  }
  if (issue.code === 'unrecognized_keys') return `has unknown keys: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_union') return `must be one of ${unionTypes(issue)}`;
  return issue.message;
}

/** Whether the text is zod's own message, and not one of the schema. */
function isOfZod(message: string): boolean {
  return message.startsWith('Invalid ');
}

function typeName(expected: string): string {
  return expected === 'record' ? 'object' : expected === 'int' ? 'integer' : expected;
}

function unionTypes(issue: z.core.$ZodIssueInvalidUnion): string {
  const types = issue.errors
    .flat()
    .map((inner) => (inner.code === 'invalid_type' ? typeName(inner.expected) : inner.message));
  return [...new Set(types)].join(', ');
}

function unit(origin: string): string {
  return origin === 'string' ? ' characters long' : origin === 'array' ? ' entries long' : '';
}
