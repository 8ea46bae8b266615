import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { physicalFunctionNics } from './physical-function.ts';

test('a virtual function leads to the NICs of its physical function, and another device leads to none', () => {
  const sys = mkdtempSync(join(tmpdir(), 'sys-'));
  try {
    const devices = join(sys, 'bus/pci/devices');
    mkdirSync(join(devices, '0000:3b:00.0/net/ens1f0'), { recursive: true });
    mkdirSync(join(devices, '0000:3b:02.1'));
    symlinkSync('../0000:3b:00.0', join(devices, '0000:3b:02.1/physfn'));
    assert.deepEqual(physicalFunctionNics('0000:3b:02.1', sys), ['ens1f0']);
    assert.deepEqual(physicalFunctionNics('0000:3b:00.0', sys), []);
    assert.deepEqual(physicalFunctionNics('none', sys), []);
  } finally {
    rmSync(sys, { recursive: true });
  }
});
