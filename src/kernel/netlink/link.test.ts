import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageBody } from './attributes.ts';
import { decodeLink } from './link.ts';
import { linkHeader } from './link-header.ts';

test('a link says on which device of the bus it stands', () => {
  const body = linkHeader(new MessageBody(), 7).text(3, 'ens1f0v1').text(56, '0000:3b:02.1').writer.done();
  assert.equal(decodeLink({ type: 16, flags: 0, sequence: 0, body })?.deviceName, '0000:3b:02.1');
});
