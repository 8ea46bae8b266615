import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../builtin/kinds.ts';
import { Message } from '../documents/protobuf.ts';
import type { JsonObject } from '../json.ts';
import { apiVersion } from '../resource.ts';
import { StatusError } from '../status.ts';
import { ProtobufDecoder } from './decoder.ts';
import { MessageTable } from './message-table.ts';

const decoder = new ProtobufDecoder();
/** The object of a body in which every field is known. */
function decode(body: Buffer): JsonObject {
  const warnings: string[] = [];
  const object = decoder.decode(body, warnings);
  assert.deepEqual(warnings, []);
  return object;
}

function envelope(apiVersion: string, kind: string, object: Message): Buffer {
  const unknown = new Message()
    .message(1, new Message().string(1, apiVersion).string(2, kind))
    .message(2, object);
  return Buffer.concat([Buffer.from('k8s\0'), unknown.done()]);
}
const named = (name: string) => new Message().string(1, name).string(2, '').message(8, new Message());
const refused = (code: number, says: RegExp) => (error: unknown) =>
  error instanceof StatusError && error.code === code && says.test(error.message);

test("every built-in kind and every field's type has its message", () => {
  const table = new MessageTable();
  const kinds = builtInKinds().resources.map((it) => [apiVersion(it), it.kind] as const);
  const todo = [...kinds, ['v1', 'DeleteOptions'] as const].map(([version, kind]) => {
    const message = table.ofKind(version, kind);
    assert.ok(message !== undefined, `${kind} of ${version}`);
    return message;
  });
  const seen = new Set(todo);
  for (const message of todo) {
    for (const { name, type } of message.fields.values()) {
      const of = type.replace(/^[[{]+|[\]}]+$/g, '');
      if (!of.includes('.')) continue;
      const below = table.get(of);
      assert.ok(below !== undefined, `${message.name}.${name}: ${type}`);
      if (!seen.has(below)) todo.push(below);
      seen.add(below);
    }
  }
  assert.ok(seen.size > 200, String(seen.size));
});

test('an unset field is absent, a map keeps empty values, and a pointer keeps its zero', () => {
  const entry = (key: string, value: string) => new Message().string(1, key).string(2, value);
  const map = new Message()
    .message(1, named('m'))
    .message(2, entry('a', '1'))
    .message(2, entry('b', ''))
    .message(3, entry('c', 'raw'))
    .bool(4, false);
  assert.deepEqual(decode(envelope('v1', 'ConfigMap', map)), {
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
  assert.deepEqual(decode(body), {
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

test('an unknown kind is refused, and unknown fields of a newer client are reported', () => {
  assert.throws(() => decoder.decode(envelope('v1', 'Car', new Message()), []), refused(415, /Car of v1/));
  const warnings: string[] = [];
  const newer = new Message().message(1, named('m')).string(14, 'x').bool(15, false).string(16, '');
  const read = decoder.decode(envelope('v1', 'ConfigMap', newer), warnings);
  assert.deepEqual(read, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } });
  assert.deepEqual(warnings, ['unknown field 14 of core/v1.ConfigMap']);
});

test('a lease keeps its microseconds, and a condition is read by the field numbers of its own kind', () => {
  const time = (field: number, seconds: number, nanos: number) => {
    const parts = [1 << 3, seconds, 2 << 3, (nanos & 0x7f) | 0x80, (nanos >> 7) & 0x7f];
    return Buffer.from([(field << 3) | 2, parts.length, ...parts]);
  };
  const raw = (field: number, bytes: Buffer) =>
    Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
  const body = (apiVersion: string, kind: string, object: Buffer) =>
    Buffer.concat([
      Buffer.from('k8s\0'),
      raw(1, new Message().string(1, apiVersion).string(2, kind).done()),
      raw(2, object),
    ]);
  const spec = Buffer.concat([new Message().string(1, 'me').done(), time(4, 60, 5000)]);
  assert.deepEqual(decode(body('coordination.k8s.io/v1', 'Lease', raw(2, spec))), {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    spec: { holderIdentity: 'me', renewTime: '1970-01-01T00:01:00.000005Z' },
  });
  const condition = (at: number) =>
    Buffer.concat([new Message().string(1, 'Available').string(2, 'True').done(), time(at, 60, 0)]);
  const status = (kind: string, condition: Buffer) =>
    decode(body('apps/v1', kind, raw(3, raw(kind === 'Deployment' ? 6 : 10, condition))));
  const conditions = [{ type: 'Available', status: 'True', lastTransitionTime: '1970-01-01T00:01:00Z' }];
  assert.deepEqual(status('Deployment', condition(7)).status, { conditions });
  assert.deepEqual((status('StatefulSet', condition(3)).status as JsonObject).conditions, conditions);
});

test('types with their own JSON form are read: managed fields, inlined references, schemas of a definition', () => {
  const managed = new Message().string(1, 'me').message(7, new Message().string(1, '{"f:data":{"f:a":{}}}'));
  const map = new Message().message(1, new Message().string(1, 'm').message(17, managed));
  assert.deepEqual((decode(envelope('v1', 'ConfigMap', map)).metadata as JsonObject).managedFields, [
    { manager: 'me', fieldsV1: { 'f:data': { 'f:a': {} } } },
  ]);
  const key = new Message().message(1, new Message().string(1, 'settings')).string(2, 'a');
  const env = new Message().string(1, 'A').message(3, new Message().message(3, key));
  const pod = new Message().message(
    2,
    new Message().message(2, new Message().string(1, 'c').message(7, env)),
  );
  assert.deepEqual((decode(envelope('v1', 'Pod', pod)).spec as JsonObject).containers, [
    { name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } }] },
  ]);
  const text = new Message().string(5, 'string');
  const half = Buffer.concat([Buffer.from([(9 << 3) | 1]), Buffer.alloc(8)]);
  half.writeDoubleLE(1.5, 1);
  const number = { done: () => Buffer.concat([new Message().string(5, 'number').done(), half]) } as Message;
  const property = (name: string, schema: Message) => new Message().string(1, name).message(2, schema);
  const schema = new Message()
    .message(29, property('a', new Message().message(24, new Message().message(1, text))))
    .message(29, property('b', new Message().message(30, new Message().bool(1, true))))
    .message(29, property('c', number));
  const version = new Message().string(1, 'v1').message(4, new Message().message(1, schema));
  const definition = new Message().message(2, new Message().message(7, version));
  const read = decode(envelope('apiextensions.k8s.io/v1', 'CustomResourceDefinition', definition))
    .spec as JsonObject;
  assert.deepEqual(read, {
    versions: [
      {
        name: 'v1',
        schema: {
          openAPIV3Schema: {
            properties: {
              a: { items: { type: 'string' } },
              b: { additionalProperties: true },
              c: { type: 'number', maximum: 1.5 },
            },
          },
        },
      },
    ],
  });
});

test('bytes that are not a protobuf message are a 400, wherever they end', () => {
  const whole = envelope('v1', 'ConfigMap', new Message().message(1, named('m')));
  for (let length = 0; length < whole.length; length++) {
    try {
      decoder.decode(whole.subarray(0, length), []);
    } catch (error) {
      assert.ok(error instanceof StatusError && (error.code === 400 || error.code === 415), String(error));
    }
  }
  assert.throws(() => decoder.decode(Buffer.from('{}'), []), refused(400, /does not begin with "k8s"/));
  assert.throws(
    () => decoder.decode(whole.subarray(0, whole.length - 1), []),
    refused(400, /longer than its message/),
  );
});

test('a key named __proto__ is refused', () => {
  const map = new Message().message(2, new Message().string(1, '__proto__').string(2, 'x'));
  assert.throws(() => decoder.decode(envelope('v1', 'ConfigMap', map), []), refused(400, /__proto__/));
});

test('the options of a deletion are read', () => {
  const options = new Message()
    .message(2, new Message().string(1, 'uid'))
    .string(4, 'Orphan')
    .string(5, 'All');
  assert.deepEqual(decode(envelope('v1', 'DeleteOptions', options)), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'uid' },
    propagationPolicy: 'Orphan',
    dryRun: ['All'],
  });
});
