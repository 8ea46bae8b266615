// README names every CNI type that the agent serves, and the conformance run has cases for each.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { servedTypes } from '#cni';
import { readProfile } from '../conformance/profile.ts';

const root = join(import.meta.dirname, '../..');
const names = servedTypes.map(({ name }) => name);
const profileOf = (name: string) => join(root, 'test/conformance/profiles', `${name}.json`);

test('README lists the served types', () => {
  const page = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ');
  const [, sentence = ''] = /- The CNI types (.*?), chained/.exec(page) ?? [];
  const listed = [...sentence.matchAll(/`([\w-]+)`/g)].map((match) => match[1]);
  assert.deepEqual(listed.toSorted(), names.toSorted());
});

/** Types that need servers which the conformance run does not have, and the test that calls all their verbs. */
const triedElsewhere = new Map([['neutron', 'test/openstack/pods.test.ts']]);

test('each served type has conformance cases, and docs/conformance.md shows them', () => {
  const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8');
  for (const name of names) {
    const elsewhere = triedElsewhere.get(name);
    if (elsewhere !== undefined) {
      assert.ok(existsSync(join(root, elsewhere)), `the type ${name} has no ${elsewhere}`);
      continue;
    }
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
