// What the agent does with a file that it finds in the place of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confStep, confText, executableStep, isOurConf } from './node-file.ts';

const list = { cniVersion: '1.0.0', name: 'lan', plugins: [{ type: 'macvlan', master: 'eth1' }] };

test('an executable of others that has the name of a CNI type is set aside, and ours of any version is replaced', () => {
  assert.equal(executableStep('absent'), 'put');
  assert.equal(executableStep('same'), 'keep');
  assert.equal(executableStep('ours'), 'put');
  assert.equal(executableStep('foreign'), 'set-aside');
});

test('a configuration of others is never replaced', () => {
  assert.equal(confStep('absent'), 'put');
  assert.equal(confStep('same'), 'keep');
  assert.equal(confStep('ours'), 'put');
  assert.equal(confStep('foreign'), 'refuse');
});

test('a configuration is written with a mark, and else as it was given', () => {
  const text = confText(JSON.stringify(list), 'lan.conflist');
  assert.deepEqual(JSON.parse(text), { ...list, 'orbweaver.io/written-by': 'agent' });
  assert.equal(isOurConf(text), true);
  assert.equal(isOurConf(JSON.stringify(list)), false);
  for (const other of ['', 'null', '"text"', '[1]', '{']) assert.equal(isOurConf(other), false, other);
});

test('a configuration that no runtime could read is refused, with its file and the reason', () => {
  for (const [text, reason] of [
    ['{', /lan\.conflist/],
    [JSON.stringify({ plugins: list.plugins }), /name/],
    [JSON.stringify({ name: 'lan' }), /has no plugin/],
    [JSON.stringify({ name: 'lan', plugins: [] }), /has no plugin/],
    [JSON.stringify({ name: 'lan', plugins: [{ master: 'eth1' }] }), /plugins\[0\]\.type|plugins\.0\.type/],
  ] as const) {
    assert.throws(
      () => confText(text, 'lan.conflist'),
      (error: Error) => reason.test(error.message),
      text,
    );
  }
});
