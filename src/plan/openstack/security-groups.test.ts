import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { askedGroups, SECURITY_GROUPS_ANNOTATION } from './security-groups.ts';

const asked = (text: string) => askedGroups({ [SECURITY_GROUPS_ANNOTATION]: text });

test('security groups are ids with commas, in a fixed order', () => {
  assert.equal(askedGroups({}), null);
  assert.equal(asked(' '), null);
  assert.deepEqual(asked('b-2, a_1,b-2'), ['a_1', 'b-2']);
});

test('what is no id is refused, with the annotation and the value', () => {
  for (const wrong of ['a,', 'web servers', 'a b'])
    assert.throws(
      () => asked(wrong),
      (error) =>
        isOrbError(error, 'INPUT_INVALID') &&
        error.message.startsWith(`annotation ${SECURITY_GROUPS_ANNOTATION}: `),
    );
});
