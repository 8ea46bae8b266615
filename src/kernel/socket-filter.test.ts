// The assembler of filter programs: where jumps lead, and which it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assemble,
  at,
  DROP,
  jumpIfEqual,
  jumpIfMessage,
  KEEP,
  loadByte,
  loadMessageType,
} from './socket-filter.ts';

test('a jump leads to the line with its label, and without a label to the next line', () => {
  const program = assemble([
    loadByte(20),
    jumpIfEqual(58, { yes: 'icmp', no: DROP }),
    loadByte(1),
    at('icmp', loadByte(54)),
    jumpIfEqual(135, { yes: KEEP }),
    jumpIfEqual(136, { no: DROP }),
  ]);
  assert.deepEqual(program, [
    { code: 0x30, k: 20, jt: 0, jf: 0 },
    { code: 0x15, k: 58, jt: 1, jf: 5 },
    { code: 0x30, k: 1, jt: 0, jf: 0 },
    { code: 0x30, k: 54, jt: 0, jf: 0 },
    { code: 0x15, k: 135, jt: 1, jf: 0 },
    { code: 0x15, k: 136, jt: 0, jf: 1 },
    { code: 0x06, k: 0xffff_ffff, jt: 0, jf: 0 },
    { code: 0x06, k: 0, jt: 0, jf: 0 },
  ]);
});

test('the type of a netlink message is compared in the byte order of the machine', () => {
  const [load, compare] = assemble([loadMessageType(), jumpIfMessage(0x0a0f, { no: DROP })]);
  assert.deepEqual(load, { code: 0x28, k: 4, jt: 0, jf: 0 });
  assert.deepEqual(compare, { code: 0x15, k: 0x0f0a, jt: 0, jf: 1 });
});

test('a jump back, to no line or too far is refused, because the kernel would read another distance', () => {
  const far = Array.from({ length: 256 }, () => loadByte(0));
  for (const lines of [
    [at('start', loadByte(0)), jumpIfEqual(0, { yes: 'start' })],
    [jumpIfEqual(0, { yes: 'nowhere' })],
    [jumpIfEqual(0, { no: KEEP }), ...far],
  ])
    assert.throws(() => assemble(lines), {
      code: 'INTERNAL',
      message: /cannot jump to (start|nowhere|keep)/,
    });
  assert.equal(assemble([jumpIfEqual(0, { no: KEEP }), ...far.slice(1)])[0]?.jf, 255);
});
