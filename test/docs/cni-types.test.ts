// The pages name every CNI type that the agent serves, and the conformance run has cases for each.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { servedTypes } from '#cni';
import { readProfile } from '../conformance/profile.ts';

const root = join(import.meta.dirname, '../..');
const names = servedTypes.map(({ name }) => name);
const profileOf = (name: string) => join(root, 'test/conformance/profiles', `${name}.json`);

/** The words in backquotes of the sentence that begins so. */
function listedIn(page: string, begin: string): string[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/\s+/g, ' ');
  const [, sentence] = text.split(begin);
  assert.ok(sentence !== undefined, `${page} has no sentence "${begin}"`);
  const [list = ''] = sentence.split(/[,;] chained|\. |\)/);
  return [...list.matchAll(/`([\w-]+)`/g)].map((match) => match[1] ?? '');
}

test('README and ARCHITECTURE.md list the served types', () => {
  assert.deepEqual(listedIn('README.md', 'The CNI types').toSorted(), names.toSorted());
  assert.deepEqual(listedIn('ARCHITECTURE.md', 'The served types are').toSorted(), names.toSorted());
});

test('each served type has conformance cases, and docs/conformance.md shows them', () => {
  const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8');
  for (const name of names) {
    assert.ok(existsSync(profileOf(name)), `the type ${name} has no ${profileOf(name)}`);
    for (const each of [name, ...readProfile(profileOf(name), '').also]) {
      assert.ok(existsSync(profileOf(each)), `the profile ${name} names ${each}, which does not exist`);
      assert.match(page, new RegExp(`^## ${each}: \\d+ passed`, 'm'), `the page has no results of ${each}`);
    }
  }
});

test('the record says of the older types that they are served', () => {
  const page = readFileSync(join(root, 'docs/adr/0025-older-types.md'), 'utf8');
  const [, heading = ''] = /^# 0025: (.*)$/m.exec(page) ?? [];
  for (const [, name = ''] of heading.matchAll(/`([\w-]+)`/g)) assert.ok(names.includes(name), name);
});
