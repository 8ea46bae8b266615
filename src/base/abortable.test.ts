// Waiting until a signal aborts.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { abortable } from './abortable.ts';

test('what rejects later ends no program, if the signal had aborted before the wait began', async () => {
  const later = Promise.withResolvers<never>();
  const unread: unknown[] = [];
  const note = (reason: unknown) => unread.push(reason);
  process.on('unhandledRejection', note);
  await assert.rejects(abortable(later.promise, AbortSignal.abort(new Error('too late'))), /too late/);
  later.reject(new Error('no answer'));
  await once(AbortSignal.timeout(5), 'abort');
  process.off('unhandledRejection', note);
  assert.deepEqual(unread, []);
});
