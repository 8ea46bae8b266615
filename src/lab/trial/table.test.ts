import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labNodes } from '../addressing.ts';
import { machinePlaces } from './cast.ts';
import { type Cast, type Place, plannedCells } from './cells.ts';
import { type Ask, verdictOf } from './prober.ts';
import { secondTries, tryCells, tryWithRetries } from './table.ts';

function pod(name: string, kind: Place['kind'], node: string, number: number): Place {
  return {
    name,
    kind,
    node,
    address: { 4: `10.0.0.${number}`, 6: `fd00::${number}` },
    port: 80,
    probe: [name],
  };
}

const cast: Cast = {
  places: [
    pod('a', 'underlay pod', 'node1', 1),
    pod('b', 'underlay pod', 'node2', 2),
    pod('c', 'underlay pod', 'node2', 3),
    pod('o1', 'overlay pod', 'node1', 4),
    pod('o2', 'overlay pod', 'node2', 5),
    ...machinePlaces(labNodes(2), '/lab-probe'),
  ],
  services: [
    {
      name: 'web',
      clusterIp: { 4: '10.96.0.1', 6: 'fd00:10:96::1' },
      port: 80,
      nodePort: 30080,
      externalLocal: true,
      backends: 'underlay pod',
    },
  ],
  invalidLost: true,
};

/** Everything works, and servers see what they should. */
const askWell: Ask = (_argv, questions) =>
  Promise.resolve(
    questions.map((question) => ({ works: true, source: (question as { source?: string }).source ?? '' })),
  );

test('the table is about a pod whose node has another pod', () => {
  const cells = plannedCells(cast);
  const targets = new Set(cells.filter(({ from }) => from.name === 'b').map(({ to }) => to));
  assert.deepEqual(
    [...targets],
    [
      'c',
      'a',
      'o2',
      'o1',
      'node2',
      'node1',
      'router',
      'client',
      'ClusterIP web',
      'NodePort web at node2',
      'NodePort web at node1',
    ],
  );
  const sources = new Set(cells.filter(({ to }) => to === 'b').map(({ from }) => from.name));
  assert.deepEqual([...sources], ['c', 'a', 'o2', 'o1', 'node2', 'node1', 'router', 'client']);
});

test('every way is tried in both families with ICMP, TCP and UDP', () => {
  for (const cells of Map.groupBy(plannedCells(cast), ({ from, to }) => `${from.name} ${to}`).values()) {
    assert.equal(new Set(cells.map(({ family, protocol }) => `${family}${protocol}`)).size, 6);
  }
});

test('overlay pods are seen as their node, and a NodePort with policy Local shows the client itself', () => {
  const cells = plannedCells(cast).filter(({ family, protocol }) => family === 4 && protocol === 'tcp');
  const source = (from: string, to: string) =>
    cells.find((cell) => cell.from.name === from && cell.to === to)?.source;
  assert.equal(source('o1', 'b'), '10.6.212.101');
  assert.equal(source('client', 'NodePort web at node1'), '192.0.2.10');
  assert.equal(source('b', 'ClusterIP web'), '10.6.212.102');
});

test('without a lost INVALID packet, only ICMP to Services is impossible', () => {
  const impossible = plannedCells({ ...cast, invalidLost: false }).filter(
    (cell) => cell.impossible !== undefined,
  );
  assert.deepEqual([...new Set(impossible.map(({ protocol }) => protocol))], ['icmp']);
});

test('a cell that works although it is called impossible fails, and so does a wrong source', async () => {
  const cells = await tryCells(plannedCells(cast), askWell);
  const failed = cells.filter(({ ok }) => !ok);
  assert.ok(failed.length > 0);
  assert.ok(failed.every(({ expected }) => expected === 'impossible'));
  const wrong = await tryCells(plannedCells(cast), (_argv, questions) =>
    Promise.resolve(questions.map(() => ({ works: true, source: '10.9.9.9' }))),
  );
  assert.ok(wrong.every(({ ok, reason }) => ok || reason !== ''));
  assert.match(wrong[0]?.reason ?? '', /the server saw 10\.9\.9\.9, but should see 10\.0\.0\.2/);
});

/** One cell, asked with these outcomes in turn, and what came of it. */
async function triedWithRetries(...outcomes: boolean[]) {
  const [way] = plannedCells({ ...cast, invalidLost: false }).filter(({ protocol }) => protocol === 'tcp');
  let asked = 0;
  const ask: Ask = async (argv, questions) => {
    const answers = await askWell(argv, questions);
    return outcomes[asked++] === true
      ? answers
      : questions.map(() => ({ works: false, reason: 'no answer' }));
  };
  const cells = await tryWithRetries(way === undefined ? [] : [way], ask, ask);
  const [{ ok, secondTry } = {}] = cells;
  return { ok, secondTry, asked, said: secondTries(cells) };
}

test('a cell that failed once passes if it works each time afterwards, and the table says so', async () => {
  assert.deepEqual(await triedWithRetries(true), { ok: true, secondTry: undefined, asked: 1, said: '' });
  const said = '1 of the cells at the second try\n';
  assert.deepEqual(await triedWithRetries(false, true, true, true), {
    ok: true,
    secondTry: true,
    asked: 4,
    said,
  });
});

test('a cell that works only sometimes fails', async () => {
  assert.deepEqual(await triedWithRetries(false, true, false), {
    ok: false,
    secondTry: true,
    asked: 3,
    said: '',
  });
  assert.deepEqual(await triedWithRetries(false, false), { ok: false, secondTry: true, asked: 2, said: '' });
});

test('a line of the prober is read as a result', () => {
  assert.deepEqual(verdictOf('3 works 10.6.0.1'), { works: true, source: '10.6.0.1' });
  assert.deepEqual(verdictOf('3 works -'), { works: true });
  assert.deepEqual(verdictOf('3 fails connect: no answer'), { works: false, reason: 'connect: no answer' });
});
