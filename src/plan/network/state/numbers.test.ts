import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostLinkName } from './numbers.ts';

test('the link is named after the start of a random container id', () => {
  assert.equal(hostLinkName('0123456789abcdef0123456789abcdef'), 'veth0123456789a');
  assert.equal(hostLinkName('short'), 'vethshort');
});

test('containers whose ids start alike get different links', () => {
  const names = ['container-1-1', 'container-1-2'].map(hostLinkName);
  assert.notEqual(names[0], names[1]);
  for (const name of names) assert.match(name, /^vethcon[0-9a-f]{8}$/);
});
