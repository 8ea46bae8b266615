import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitRow } from '../row.ts';
import { benchmarkNames, readFigures, readNewFigures } from './figures.ts';

test('figures of a revision whose target was a bare number are read', () => {
  const row = { name: 'ADD', value: 4.9, unit: 'ms', reference: 2, ratio: 2.45, target: 4, met: false };
  assert.deepEqual(readFigures(JSON.stringify([row])), [{ name: 'ADD', value: 4.9, unit: 'ms' }]);
});

test('figures of this revision keep the direction of their target', () => {
  const [figure] = readNewFigures(JSON.stringify([limitRow('ADD', 'ms', 4.9, 4)]));
  assert.equal(figure?.target.comparison, '≤');
});

test('a figure that was not measured is left out', () => {
  assert.deepEqual(readFigures(JSON.stringify([limitRow('ADD', 'ms', Number.NaN, 4)])), []);
});

test('figures in another form are an error', () => {
  assert.throws(() => readFigures('[{"name": "ADD", "median": 4}]'));
});

test('the names of the benchmarks are in the usage of this revision and of an older one', () => {
  const program = join(import.meta.dirname, '../main.ts');
  const { stdout } = spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8' });
  assert.deepEqual(benchmarkNames(stdout).toSorted(), [
    'add',
    'coordinator',
    'memory',
    'openstack',
    'pick',
    'pod-ways',
    'reactions',
    'reclaim',
    'repair',
    'scale',
    'service',
    'service-tools',
    'shim',
    'start',
    'store',
  ]);
  assert.deepEqual(benchmarkNames('usage: npm run bench -- [add|store|all ...] [--quick]'), ['add', 'store']);
  assert.throws(() => benchmarkNames('usage: npm run bench'), /lists no benchmarks/);
});
