// The text of an error with its causes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText, OrbError } from './error.ts';

test('each cause is reported once, also when a message ends with the words of its cause', () => {
  const refused = new Error('connect ENOENT /run/agent.sock');
  const { message: said } = refused;
  const quoted = new OrbError('AGENT_UNREACHABLE', { message: 'no answer', said, cause: refused });
  assert.equal(errorText(quoted), 'no answer: connect ENOENT /run/agent.sock');
  const apart = new OrbError('AGENT_UNREACHABLE', { message: 'no answer', cause: refused });
  assert.equal(errorText(apart), 'no answer: connect ENOENT /run/agent.sock');
  assert.equal(
    errorText(new Error('outer', { cause: apart })),
    'outer: no answer: connect ENOENT /run/agent.sock',
  );
});
