import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { FakeClock } from '#base/testing';
import { Gate } from './gate.ts';

const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const forever = Number.MAX_SAFE_INTEGER;

function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, release: resolve };
}

test('the gate runs requests up to its limit, and the others in order of arrival', async () => {
  const gate = new Gate(2, new FakeClock());
  const order: string[] = [];
  const holds = ['a', 'b', 'c', 'd'].map((key) => {
    const hold = held();
    const done = gate.run(key, forever, async () => {
      order.push(key);
      await hold.promise;
    });
    return { ...hold, done };
  });
  await turns();
  assert.deepEqual(order, ['a', 'b']);
  assert.equal(gate.waiting, 2);
  holds[1]?.release();
  await turns();
  assert.deepEqual(order, ['a', 'b', 'c']);
  for (const hold of holds) hold.release();
  await Promise.all(holds.map((hold) => hold.done));
  await gate.drained();
  assert.deepEqual(order, ['a', 'b', 'c', 'd']);
});

test('requests of one pod run one after the other, while another pod overtakes', async () => {
  const gate = new Gate(16, new FakeClock());
  const order: string[] = [];
  const first = held();
  const runs = [
    gate.run('pod', forever, async () => {
      order.push('pod first');
      await first.promise;
    }),
    gate.run('pod', forever, async () => void order.push('pod second')),
    gate.run('other', forever, async () => void order.push('other')),
  ];
  await turns();
  assert.deepEqual(order, ['pod first', 'other']);
  first.release();
  await Promise.all(runs);
  assert.deepEqual(order, ['pod first', 'other', 'pod second']);
});

test('a request whose caller has left is dropped before it starts', async () => {
  const clock = new FakeClock();
  const gate = new Gate(1, clock);
  const hold = held();
  const running = gate.run('a', forever, () => hold.promise);
  let begun = false;
  const late = gate.run('b', clock.monotonic() + 100, async () => {
    begun = true;
  });
  const refused = assert.rejects(late, (error) => isOrbError(error, 'DEADLINE_PASSED'));
  await clock.advance(101);
  await refused;
  hold.release();
  await running;
  await gate.drained();
  assert.equal(begun, false);
});

test('a failed request makes room for the next', async () => {
  const gate = new Gate(1, new FakeClock());
  await assert.rejects(gate.run('a', forever, () => Promise.reject(new Error('no'))));
  assert.equal(await gate.run('a', forever, () => Promise.resolve(7)), 7);
});

test('GC runs alone: no ADD or DEL runs beside it', async () => {
  const order: string[] = [];
  const gate = new Gate(16, new FakeClock());
  const until = Number.MAX_SAFE_INTEGER;
  const hold = Promise.withResolvers<void>();
  const collecting = Promise.withResolvers<void>();
  const add = gate.run('pod a', until, () => hold.promise.then(() => void order.push('ADD a')));
  const gc = gate.runAlone('gc', until, async () => {
    order.push('GC begins');
    await collecting.promise;
    order.push('GC ends');
  });
  const later = gate.run('pod b', until, async () => void order.push('ADD b'));
  hold.resolve();
  await add;
  await new Promise((resolve) => setImmediate(resolve));
  collecting.resolve();
  await Promise.all([gc, later]);
  assert.deepEqual(order, ['ADD a', 'GC begins', 'GC ends', 'ADD b']);
});
