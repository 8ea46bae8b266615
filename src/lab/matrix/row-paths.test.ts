import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditions } from './row-paths.ts';

const on = (defaultRouteNic: 'eth0' | 'net1') => ({ natOutgoing: true, defaultRouteNic });
const off = (defaultRouteNic: 'eth0' | 'net1') => ({ natOutgoing: false, defaultRouteNic });

test('a path names only the settings that it depends on', () => {
  assert.equal(conditions([on('eth0'), on('net1'), off('eth0'), off('net1')]), '');
  assert.equal(conditions([off('eth0'), off('net1')]), 'natOutgoing off');
  assert.equal(conditions([on('net1'), off('net1')]), 'default route net1');
  assert.equal(conditions([on('eth0')]), 'natOutgoing on, default route eth0');
});

test('settings without a common part are listed, so that none is claimed too many', () => {
  assert.equal(
    conditions([on('eth0'), on('net1'), off('net1')]),
    'natOutgoing on, default route eth0; natOutgoing on, default route net1; natOutgoing off, default route net1',
  );
});
