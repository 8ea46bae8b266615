// Every field of every kind that the embedded API server reads in protobuf, as encoded by Go's own libraries.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ProtobufDecoder } from '../../src/apiserver/protobuf/decoder.ts';
import { messageRoots } from '../../tools/protobuf-messages.ts';
import type { ClientParts } from './clients-play.ts';
import { run } from './command.ts';

/** One object in both forms, in base64. */
interface Example {
  readonly name: string;
  readonly protobuf: string;
  readonly json: string;
}

export async function playProtobuf({ outcomes, programs }: ClientParts): Promise<void> {
  await outcomes.check('protobuf and JSON give the same value for every field of every kind', async () => {
    const said = await run([join(programs, 'clients'), 'examples'], { input: messageRoots() });
    const examples = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Example);
    assert.equal(examples.length, 2 * messageRoots().trim().split('\n').length);
    const decoder = new ProtobufDecoder();
    for (const { name, protobuf, json } of examples) {
      const warnings: string[] = [];
      const read = decoder.decode(Buffer.from(protobuf, 'base64'), warnings);
      const wanted: unknown = JSON.parse(Buffer.from(json, 'base64').toString());
      assert.deepEqual(warnings, [], name);
      assert.deepEqual(withoutNulls(read), withoutNulls(wanted), name);
    }
  });
}

/** A null in an object means an absent field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, content]) => content !== null);
  return Object.fromEntries(fields.map(([name, content]) => [name, withoutNulls(content)]));
}
