import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../builtin/kinds.ts';
import { Message } from '../documents/protobuf.ts';
import { StatusError } from '../status.ts';
import { ProtobufDecoder } from './decoder.ts';
import { fieldNumbers } from './field-numbers.ts';

const { types } = builtInKinds();
const decoder = new ProtobufDecoder(types);

function envelope(apiVersion: string, kind: string, object: Message): Buffer {
  const unknown = new Message()
    .message(1, new Message().string(1, apiVersion).string(2, kind))
    .message(2, object);
  return Buffer.concat([Buffer.from('k8s\0'), unknown.done()]);
}
const named = (name: string) => new Message().string(1, name).string(2, '').message(8, new Message());
const refused = (code: number, says: RegExp) => (error: unknown) =>
  error instanceof StatusError && error.code === code && says.test(error.message);

test('every field of the table is one that its type declares', () => {
  for (const [type, fields] of fieldNumbers())
    for (const { name } of fields.values())
      assert.ok(types.get(type).properties?.[name] !== undefined, `${type}.${name}`);
});

test('what is not set is absent, a map keeps empty values, and a pointer keeps its zero', () => {
  const entry = (key: string, value: string) => new Message().string(1, key).string(2, value);
  const map = new Message()
    .message(1, named('m'))
    .message(2, entry('a', '1'))
    .message(2, entry('b', ''))
    .message(3, entry('c', 'raw'))
    .bool(4, false);
  assert.deepEqual(decoder.decode(envelope('v1', 'ConfigMap', map)), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'm' },
    data: { a: '1', b: '' },
    binaryData: { c: Buffer.from('raw').toString('base64') },
    immutable: false,
  });
});

test('numbers, lists, times and ports of both kinds are read', () => {
  const varint = (field: number, value: number) => Buffer.from([field << 3, value]);
  const raw = (field: number, bytes: Buffer) =>
    Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
  const intPort = Buffer.concat([varint(3, 80), raw(4, Buffer.concat([varint(1, 0), varint(2, 81)]))]);
  const namedPort = Buffer.concat([
    varint(3, 82),
    raw(4, Buffer.concat([varint(1, 1), raw(3, Buffer.from('web'))])),
  ]);
  const minusOne = Buffer.from([(6 << 3) | 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
  const metadata = Buffer.concat([raw(8, varint(1, 60)), Buffer.from([7 << 3]), minusOne.subarray(1)]);
  const object = Buffer.concat([
    raw(1, metadata),
    raw(2, Buffer.concat([raw(1, intPort), raw(1, namedPort)])),
  ]);
  const typeMeta = new Message().string(1, 'v1').string(2, 'Service').done();
  const body = Buffer.concat([Buffer.from('k8s\0'), raw(1, typeMeta), raw(2, object)]);
  assert.deepEqual(decoder.decode(body), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { creationTimestamp: '1970-01-01T00:01:00Z', generation: -1 },
    spec: {
      ports: [
        { port: 80, targetPort: 81 },
        { port: 82, targetPort: 'web' },
      ],
    },
  });
});

test('a kind or a field whose number is not known is refused, not dropped', () => {
  assert.throws(() => decoder.decode(envelope('v1', 'Pod', new Message())), refused(415, /Pod of v1/));
  const strange = new Message().message(1, named('m')).string(14, 'x');
  assert.throws(
    () => decoder.decode(envelope('v1', 'ConfigMap', strange)),
    refused(415, /field 14 of ConfigMap/),
  );
});

test('bytes that are no message are a 400, wherever they end', () => {
  const whole = envelope('v1', 'ConfigMap', new Message().message(1, named('m')));
  for (let length = 0; length < whole.length; length++) {
    try {
      decoder.decode(whole.subarray(0, length));
    } catch (error) {
      assert.ok(error instanceof StatusError && (error.code === 400 || error.code === 415), String(error));
    }
  }
  assert.throws(() => decoder.decode(Buffer.from('{}')), refused(400, /does not begin with "k8s"/));
  assert.throws(
    () => decoder.decode(whole.subarray(0, whole.length - 1)),
    refused(400, /longer than its message/),
  );
});

test('a key __proto__ is refused', () => {
  const map = new Message().message(2, new Message().string(1, '__proto__').string(2, 'x'));
  assert.throws(() => decoder.decode(envelope('v1', 'ConfigMap', map)), refused(400, /__proto__/));
});

test('the options of a deletion are read', () => {
  const options = new Message()
    .message(2, new Message().string(1, 'uid'))
    .string(4, 'Orphan')
    .string(5, 'All');
  assert.deepEqual(decoder.decode(envelope('v1', 'DeleteOptions', options)), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'uid' },
    propagationPolicy: 'Orphan',
    dryRun: ['All'],
  });
});
