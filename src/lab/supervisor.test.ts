import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '#base';
import { Supervisor } from './supervisor.ts';

test('a program that is stopped before its restart stays stopped', async (t) => {
  const logFolder = mkdtempSync(join(tmpdir(), 'orbweaver-supervisor-'));
  t.after(() => rmSync(logFolder, { recursive: true }));
  const waits = Promise.withResolvers<void>();
  const wakes = Promise.withResolvers<void>();
  const clock = {
    ...systemClock,
    sleep: () => {
      waits.resolve();
      return wakes.promise;
    },
  };
  const supervisor = new Supervisor({ clock, logFolder, say: () => {} });
  supervisor.start({ name: 'short', argv: ['true'] });
  await waits.promise;
  // What starts has a log.
  rmSync(supervisor.logOf('short'));
  await supervisor.end('short');
  wakes.resolve();
  await setImmediate();
  assert.equal(existsSync(supervisor.logOf('short')), false);
  await supervisor.stop();
});
