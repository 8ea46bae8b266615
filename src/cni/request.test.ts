import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFrame, encodeFrame } from './frame.ts';
import { answerFrame, type CniRequest, readRequest, requestFrame } from './request.ts';

const request: CniRequest = {
  type: 'spiderpool',
  shimVersion: '0.1.0',
  id: '0123456789abcdef',
  deadlineMs: 30_000,
  variables: { CNI_COMMAND: 'ADD', CNI_ARGS: '', CNI_IFNAME: 'eth0' },
  stdin: '{"name":"n"}\n',
};

function fieldsOf(frame: Buffer): Map<string, Buffer> {
  return new Map(decodeFrame(frame).fields);
}

test('a request reads back as it was written, and an empty variable differs from an absent one', () => {
  const read = readRequest(decodeFrame(requestFrame(request)));
  assert.deepEqual(read, request);
  assert.equal('CNI_NETNS' in read.variables, false);
});

for (const [field, value] of [
  ['request', 'short'],
  ['type', '../bin/sh'],
  ['deadline', '-1'],
  ['shim', ''],
] as const) {
  test(`a request whose ${field} is ${JSON.stringify(value)} is refused, and the error names the field`, () => {
    const fields = fieldsOf(requestFrame(request)).set(field, Buffer.from(value));
    const frame = decodeFrame(encodeFrame(fields));
    assert.throws(() => readRequest(frame), { code: 'FRAME_DAMAGED', message: new RegExp(`field ${field}`) });
  });
}

test('a future protocol is refused with a list of the supported ones', () => {
  const frame = decodeFrame(encodeFrame(fieldsOf(requestFrame(request)), 9));
  assert.throws(() => readRequest(frame), /frame of protocol 9: this agent supports 1/);
});

test('an answer contains exit code, output and log', () => {
  const { fields } = decodeFrame(answerFrame({ exitCode: 1, stdout: '{}\n', log: 'ü' }));
  assert.deepEqual(
    [...fields].map(([name, value]) => [name, value.toString()]),
    [
      ['exit', '1'],
      ['stdout', '{}\n'],
      ['log', 'ü'],
    ],
  );
});
