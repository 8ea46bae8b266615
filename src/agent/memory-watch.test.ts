import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { MemoryWatch } from './memory-watch.ts';

const MEBIBYTE = 1 << 20;

function watchOf(limit: number | undefined) {
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  let used = 0;
  const watch = new MemoryWatch(log, () => ({ used: used * MEBIBYTE, limit: limit && limit * MEBIBYTE }));
  const look = (mebibytes: number) => {
    used = mebibytes;
    watch.look();
  };
  return { watch, warnings, look };
}

test('the agent warns once above 80 % of its limit, and again only after it was below 70 %', () => {
  const { watch, warnings, look } = watchOf(200);
  look(160);
  assert.deepEqual(warnings, []);
  assert.equal(watch.nearLimit, false);
  look(161);
  look(199);
  look(150);
  look(170);
  assert.deepEqual(warnings, ['the agent uses 161 MiB of the 200 MiB that its container may use']);
  assert.equal(watch.nearLimit, true);
  look(139);
  assert.equal(watch.nearLimit, false);
  look(190);
  assert.equal(warnings.length, 2);
});

test('without a limit, nothing is near it', () => {
  const { watch, warnings, look } = watchOf(undefined);
  look(100_000);
  assert.deepEqual(warnings, []);
  assert.equal(watch.limit, 0);
});
