import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isOrbError } from '#base';
import { findRevision, project, Workplace } from './revision.ts';

let parent = '';
before(() => {
  parent = mkdtempSync(join(tmpdir(), 'ow-revision-'));
});
after(() => rmSync(parent, { recursive: true }));

for (const name of ['no-such-branch', '--all', '', 'HEAD:bench']) {
  test(`the revision ${JSON.stringify(name)} does not exist, and the error says so in the words of git`, () => {
    assert.throws(
      () => findRevision(name),
      (error) =>
        isOrbError(error, 'INPUT_INVALID') &&
        error.message.startsWith(`--against ${JSON.stringify(name)}: git knows no such commit: `) &&
        error.message.includes('fatal: '),
    );
  });
}

test('a clone has the files of its commit, and goes away with its folder', () => {
  const revision = findRevision('HEAD');
  {
    using place = Workplace.make(revision, parent);
    const said = spawnSync('git', ['-C', place.clone, 'rev-parse', 'HEAD'], { encoding: 'utf8' });
    assert.equal(said.stdout.trim(), revision.commit);
    assert.match(readFileSync(join(place.clone, 'package.json'), 'utf8'), /"name": "orbweaver"/);
  }
  assert.deepEqual(readdirSync(parent), []);
});

test('a comparison adds no worktree to the repository of the project', () => {
  using place = Workplace.make(findRevision('HEAD'), parent);
  const said = spawnSync('git', ['-C', project, 'worktree', 'list', '--porcelain'], { encoding: 'utf8' });
  assert.equal(said.stdout.includes(place.clone), false);
});

test('the folder of a comparison that was killed goes away with the next one; that of a running one stays', () => {
  const dead = join(parent, `run-${spawnSync('true').pid}-x`);
  const alive = join(parent, `run-${process.pid}-x`);
  mkdirSync(join(dead, 'tmp'), { recursive: true });
  mkdirSync(alive);
  Workplace.make(findRevision('HEAD'), parent)[Symbol.dispose]();
  assert.deepEqual([existsSync(dead), existsSync(alive)], [false, true]);
});
