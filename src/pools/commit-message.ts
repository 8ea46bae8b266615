// What an agent and the leading controller say to each other: one operation on a pool, and its outcome, as JSON.

import { z } from 'zod';
import { type Address, formatAddress, tryParseAddress } from '#ip';
import type { PoolOperation, PoolOutcome } from '#plan/ipam';

/** The path of a pool's operations. The name of the pool follows. */
export const COMMIT_PATH = '/v1/pools/';

/** The longest request, in bytes. */
export const MAXIMUM_COMMIT_BYTES = 64 * 1024;

/** An agent asks for one operation. */
export interface CommitRequest {
  readonly operation: PoolOperation;
  /** Addresses of the pool that the agent saw another machine use, and for how many milliseconds nobody may get them. */
  readonly quarantined: ReadonlyMap<string, number>;
}

/** The leader has written the pool, or had no need to. */
export interface CommitAnswer {
  readonly outcome: PoolOutcome;
  /** A version of the pool that shows the outcome. */
  readonly resourceVersion: string;
}

const text = z.string().max(512);
const address = text.transform((value, context): Address => {
  const parsed = tryParseAddress(value);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'not an address' });
  return z.NEVER;
});

const requestSchema = z.strictObject({
  operation: z.discriminatedUnion('verb', [
    z.strictObject({
      verb: z.literal('allocate'),
      owner: z.strictObject({
        pod: text,
        podUid: text.min(1),
        nic: text.min(1),
        fixed: z.boolean().exactOptional(),
        iaas: z.strictObject({ node: text, parentNicMac: text }).exactOptional(),
      }),
      requested: address.exactOptional(),
    }),
    z.strictObject({
      verb: z.literal('release'),
      release: z.discriminatedUnion('scope', [
        z.strictObject({ scope: z.literal('pod'), podUid: text.min(1) }),
        z.strictObject({ scope: z.literal('nic'), podUid: text.min(1), nic: text.min(1) }),
      ]),
    }),
  ]),
  quarantined: z.record(address.transform(formatAddress), z.number().min(0)).optional(),
});

const answerSchema = z.object({
  outcome: z.discriminatedUnion('verb', [
    z.object({ verb: z.literal('allocated'), address, held: z.boolean() }),
    z.object({ verb: z.literal('refused'), reason: z.string() }),
    z.object({ verb: z.literal('released'), addresses: z.array(address) }),
  ]),
  resourceVersion: z.string().regex(/^\d+$/),
});

/** The request as text. */
export function requestText({ operation, quarantined }: CommitRequest): string {
  return asText({
    operation,
    ...(quarantined.size > 0 && { quarantined: Object.fromEntries(quarantined) }),
  });
}

/** Reads a request of an agent; the text of what is wrong if it is none. */
export function readRequest(json: string): CommitRequest | string {
  const read = readJson(requestSchema, json);
  if (typeof read === 'string') return read;
  const { operation, quarantined = {} } = read;
  return { operation, quarantined: new Map(Object.entries(quarantined)) };
}

/** The answer as text. */
export function answerText({ outcome, resourceVersion }: CommitAnswer): string {
  return asText({ outcome, resourceVersion });
}

/** Reads an answer of the leader; the text of what is wrong if it is none. */
export function readAnswer(json: string): CommitAnswer | string {
  return readJson(answerSchema, json);
}

/** JSON with addresses as texts. */
function asText(message: object): string {
  return JSON.stringify(message, (key, value: unknown) =>
    addressFields.has(key) ? addressTexts(value as Address | Address[]) : value,
  );
}

const addressFields: ReadonlySet<string> = new Set(['address', 'addresses', 'requested']);

function addressTexts(value: Address | Address[]): string | string[] {
  return Array.isArray(value) ? value.map(formatAddress) : formatAddress(value);
}

/** Reads a message; the text of what is wrong if it does not fit. */
export function readJson<T>(schema: z.ZodType<T>, json: string): T | string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'it is not JSON';
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : z.prettifyError(parsed.error);
}
