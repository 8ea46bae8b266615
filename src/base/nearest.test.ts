import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, didYouMeanName, nearest } from './nearest.ts';

const known = ['trace', 'check', 'lab', 'completion', 'version'];

test('a word with one extra, missing, wrong or swapped letter is found', () => {
  for (const word of ['traace', 'trac', 'trece', 'rtace', 'TRACE'])
    assert.deepEqual(nearest(word, known), ['trace']);
});

test('a different word is not taken for a typing mistake', () => {
  assert.deepEqual(nearest('delete', known), []);
  assert.equal(didYouMean('delete', known), '');
});

test('the nearest word comes first', () => {
  assert.equal(didYouMean('web-12', ['web-1', 'web-22', 'db']), '; did you mean web-1 or web-22?');
});

test('a name that exists in another namespace is answered with that namespace, not with the same word', () => {
  const names = ['default/web', 'other/web', 'other/wed', 'node1'];
  assert.equal(didYouMeanName('web', names), '; did you mean default/web or other/web?');
  assert.equal(didYouMeanName('wedd', names), '; did you mean wed or web?');
});
