import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { labelValue, poolName } from './pool-name.ts';

const app = { name: 'test-app', uid: '5a4f0a0c-57d1-4d1c-a7c8-b1a361c7e9df' };
const free = () => false;

test('the name has application, family, NIC and the end of the UID', () => {
  assert.equal(poolName(app, 'eth0', 4, free), 'auto-test-app-v4-eth0-b1a361c7e9df');
  assert.equal(poolName(app, 'net1', 6, free), 'auto-test-app-v6-net1-b1a361c7e9df');
});

test('a name that is taken gets a number', () => {
  const taken = new Set(['auto-test-app-v4-eth0-b1a361c7e9df', 'auto-test-app-v4-eth0-b1a361c7e9df-2']);
  assert.equal(
    poolName(app, 'eth0', 4, (name) => taken.has(name)),
    'auto-test-app-v4-eth0-b1a361c7e9df-3',
  );
});

test('whatever application and NIC are called, the pool has a name that the API server takes', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$/);
  const name = fc
    .array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.').slice(0, 253));
  const nic = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,15}$/);
  fc.assert(
    fc.property(name, nic, fc.uuid(), (long, interfaceName, uid) => {
      const made = poolName({ name: long, uid }, interfaceName, 4, free);
      assert.ok(made.length <= 253);
      assert.match(made, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      assert.ok(made.endsWith(uid.slice(24)));
    }),
  );
});

test('a label has at most 63 characters, and long names that differ stay different', () => {
  const long = 'a'.repeat(100);
  assert.equal(labelValue('short'), 'short');
  assert.equal(labelValue(long).length, 63);
  assert.notEqual(labelValue(`${long}b`), labelValue(`${long}c`));
});

test('any name becomes a value that the API server takes as a label', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[^/ ]{1,253}$/), (name) => {
      const value = labelValue(name);
      assert.ok(value.length <= 63);
      assert.match(value, /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/);
      assert.equal(labelValue(value), value, 'a label is a label already');
    }),
  );
});
