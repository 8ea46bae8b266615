// What `orbctl lab ls` shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labListing } from './lab-listing.ts';

test('a listing without a lab says so to people, and is an empty list to programs', () => {
  assert.deepEqual(labListing([]), { labs: [], text: 'no lab is running: `npm run lab` starts one\n' });
});
