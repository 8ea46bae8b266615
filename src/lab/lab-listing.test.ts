// What `orbctl lab ls` shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labListing } from './lab-listing.ts';

test('a listing without a lab is a sentence for people and an empty list for programs', () => {
  assert.deepEqual(labListing([]), { labs: [], text: 'no lab is running: `npm run lab` starts one\n' });
});
