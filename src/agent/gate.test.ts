import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError, silentLogger } from '#base';
import { FakeClock, LogLines } from '#base/testing';
import { Gate, type Ticket } from './gate.ts';

const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const of = (key: string, more: Partial<Ticket> = {}): Ticket => ({
  key,
  stuckAfterMs: 20_000,
  log: silentLogger,
  ...more,
});

function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, release: resolve };
}

test('the gate runs requests up to its limit, and the others in order of arrival', async () => {
  const gate = new Gate(2, new FakeClock());
  const order: string[] = [];
  const holds = ['a', 'b', 'c', 'd'].map((key) => {
    const hold = held();
    const done = gate.run(of(key), async () => {
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
    gate.run(of('pod'), async () => {
      order.push('pod first');
      await first.promise;
    }),
    gate.run(of('pod'), async () => void order.push('pod second')),
    gate.run(of('other'), async () => void order.push('other')),
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
  const running = gate.run(of('a'), () => hold.promise);
  let begun = false;
  const late = gate.run(of('b', { startByMs: clock.monotonic() + 100 }), async () => {
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
  await assert.rejects(gate.run(of('a'), () => Promise.reject(new Error('no'))));
  assert.equal(await gate.run(of('a'), () => Promise.resolve(7)), 7);
});

test('GC runs alone: no ADD or DEL runs beside it', async () => {
  const order: string[] = [];
  const gate = new Gate(16, new FakeClock());
  const hold = Promise.withResolvers<void>();
  const collecting = Promise.withResolvers<void>();
  const add = gate.run(of('pod a'), () => hold.promise.then(() => void order.push('ADD a')));
  const gc = gate.runAlone(of('gc'), async () => {
    order.push('GC begins');
    await collecting.promise;
    order.push('GC ends');
  });
  const later = gate.run(of('pod b'), async () => void order.push('ADD b'));
  hold.resolve();
  await add;
  await new Promise((resolve) => setImmediate(resolve));
  collecting.resolve();
  await Promise.all([gc, later]);
  assert.deepEqual(order, ['ADD a', 'GC begins', 'GC ends', 'ADD b']);
});

test('stuck work gives back its place, keeps its key, and says so once with its fields', async () => {
  const clock = new FakeClock();
  const gate = new Gate(1, clock);
  const log = new LogLines({ request: 'r1', type: 'macvlan' });
  const hold = held();
  const reported: string[] = [];
  const stuck = gate.run(
    of('pod a', { stuckAfterMs: 1_000, log, onStuck: () => void reported.push('a') }),
    () => hold.promise,
  );
  const other = gate.run(of('pod b'), async () => 'b');
  const same = assert.rejects(
    gate.run(of('pod a'), async () => {}),
    (error) => isOrbError(error, 'REQUEST_STUCK') && error.subject === 'pod a',
  );
  await clock.advance(999);
  await turns();
  assert.deepEqual([gate.running, gate.stuck, gate.waiting], [1, 0, 2]);
  await clock.advance(1);
  await same;
  assert.equal(await other, 'b');
  assert.deepEqual([gate.running, gate.stuck, gate.waiting, reported], [0, 1, 0, ['a']]);
  assert.ok(gate.isBusy('pod a'));
  await assert.rejects(
    gate.run(of('pod a'), async () => {}),
    (error) => isOrbError(error, 'REQUEST_STUCK'),
  );
  await gate.drained();
  hold.release();
  await stuck;
  await turns();
  assert.deepEqual([gate.stuck, gate.isBusy('pod a')], [0, false]);
  assert.equal(await gate.run(of('pod a'), async () => 'next'), 'next');
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields.request, fields.turn]),
    [
      ['error', 'r1', 'pod a'],
      ['warn', 'r1', 'pod a'],
    ],
  );
});

test('GC does not wait for stuck work, and so does not keep all others waiting', async () => {
  const clock = new FakeClock();
  const gate = new Gate(4, clock);
  void gate.run(of('pod a', { stuckAfterMs: 1_000 }), () => new Promise(() => {}));
  const waiting = assert.rejects(
    gate.runAlone(of('gc'), async () => {}),
    (error) => isOrbError(error, 'REQUEST_STUCK'),
  );
  const behind = gate.run(of('pod b'), async () => 'b');
  await clock.advance(1_000);
  await waiting;
  assert.equal(await behind, 'b');
  await assert.rejects(
    gate.runAlone(of('gc'), async () => {}),
    (error) => isOrbError(error, 'REQUEST_STUCK'),
  );
});

test('a GC that is stuck does not keep the others waiting', async () => {
  const clock = new FakeClock();
  const gate = new Gate(4, clock);
  void gate.runAlone(of('gc', { stuckAfterMs: 1_000 }), () => new Promise(() => {}));
  const behind = gate.run(of('pod b'), async () => 'b');
  await turns();
  assert.equal(gate.waiting, 1);
  await clock.advance(1_000);
  assert.equal(await behind, 'b');
  assert.equal(gate.isBusy('pod b'), false);
});

test('a request that is admitted in the moment of its deadline runs once, and leaves no place taken', async () => {
  const clock = new FakeClock();
  const gate = new Gate(1, clock);
  const first = gate.run(of('a'), () => clock.sleep(100));
  let runs = 0;
  const second = gate.run(of('b', { startByMs: clock.monotonic() + 100 }), async () => {
    runs += 1;
  });
  const outcome = second.then(
    () => 'ran',
    () => 'refused',
  );
  await clock.advance(100);
  await first;
  assert.equal(runs, (await outcome) === 'ran' ? 1 : 0);
  await gate.drained();
  assert.deepEqual([gate.running, gate.waiting], [0, 0]);
});
