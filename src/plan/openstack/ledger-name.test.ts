import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ledgerName, ledgerSubject } from './ledger-name.ts';

test('the name of a ledger says its mode, and what it is about', () => {
  const ids = { portId: 'p-1', networkId: 'n-1' };
  const subjects = (['fixed-ips', 'address-pairs', 'port'] as const).map((mode) =>
    ledgerSubject(ledgerName(mode, ids)),
  );
  assert.deepEqual(subjects, [
    { mode: 'fixed-ips', portId: 'p-1' },
    { mode: 'address-pairs', portId: 'p-1' },
    { mode: 'port', networkId: 'n-1' },
  ]);
});
