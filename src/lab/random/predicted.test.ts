import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleCluster } from '#plan/trace';
import { judge } from '../trial/table.ts';
import type { Path } from './paths.ts';
import { type PredictedCell, predicted, verdictOf } from './predicted.ts';
import type { PodShape } from './shape.ts';
import { randomText } from './text.ts';

const from = { name: 'client', probe: ['/lab-probe'] } as const;
const path: Path = {
  ...{ from, place: 'client', to: 'r1 net1', pod: 'r1', family: 4, protocol: 'tcp', port: 8080 },
  ...{ address: '10.7.60.10', promised: true, promisedSource: '192.0.2.10' },
};
const cell = (more: Partial<PredictedCell> = {}, of: Partial<Path> = {}): PredictedCell => ({
  ...{ path: { ...path, ...of }, from, to: path.to, family: 4, protocol: 'tcp', port: 8080 },
  ...{ address: path.address, source: '192.0.2.10', ...more },
});
const lost = { impossible: 'router: rp_filter 1 on lan1' };
const tried = (planned: PredictedCell, verdict: Parameters<typeof judge>[1]) =>
  verdictOf(planned, judge(planned, verdict));

test('a way that must work and works as predicted passes', () => {
  assert.equal(tried(cell(), { works: true, source: '192.0.2.10' }).ok, true);
});

test('a way that is predicted to work fails the test when it does not, or when the server sees another address', () => {
  const silent = tried(cell(), { works: false, reason: 'no answer' });
  assert.deepEqual(
    [silent.ok, silent.reason],
    [false, 'differs from the prediction: no answer, but it should work'],
  );
  const masked = tried(cell(), { works: true, source: '10.6.212.101' });
  assert.equal(masked.ok, false);
  assert.match(masked.reason, /the server saw 10\.6\.212\.101, but should see 192\.0\.2\.10/);
});

test('a way that is predicted to fail and works fails the test', () => {
  const found = tried(cell(lost, { promised: false }), { works: true, source: '192.0.2.10' });
  assert.equal(found.ok, false);
  assert.match(
    found.reason,
    /differs from the prediction: it works, although it should not: router: rp_filter 1/,
  );
});

test('a way that does not work, as predicted, fails the test if users may rely on it', () => {
  const broken = tried(cell(lost), { works: false });
  assert.deepEqual([broken.ok, broken.reason], [false, 'it must work: router: rp_filter 1 on lan1']);
  assert.equal(tried(cell(lost, { promised: false }), { works: false }).ok, true);
});

test('a way that works with the wrong source address fails the test', () => {
  const masked = tried(cell({ source: '10.6.212.101' }), { works: true, source: '10.6.212.101' });
  assert.deepEqual(
    [masked.ok, masked.reason],
    [false, 'the server sees 10.6.212.101, but must see 192.0.2.10'],
  );
});

test('a way with a random result is tried only if users may rely on it', () => {
  const sample = sampleCluster({ natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true });
  const places = sample.places.map((place) => {
    const { view } = place;
    const defaults = view.routes.filter(({ destination }) => destination.prefixLength === 0);
    return place.name === 'client'
      ? {
          ...place,
          view: { ...view, routes: [...view.routes, ...defaults.map((each) => ({ ...each, dev: 'eth1' }))] },
        }
      : place;
  });
  const world = { ...sample, places };
  const asked = { ...path, address: '10.6.100.21' };
  assert.equal(predicted(sample, [{ ...asked, promised: false }]).length, 1);
  assert.equal(predicted(world, [{ ...asked, promised: false }]).length, 0);
  assert.equal(predicted(world, [asked]).length, 1);
});

test('the text shows how to repeat the run, and the pod, way and reason of each failure once', () => {
  const shape: PodShape = {
    ...{ name: 'r1', node: 'node1', mode: 'auto', rpFilter: 0, tunePodRoutes: true },
    nics: [{ lan: 'lan', families: [4], gateway: true, policyRoutes: false }],
  };
  const failed = (['tcp', 'udp'] as const).map((protocol) => ({
    ...tried(cell(lost), { works: false }),
    protocol,
  }));
  const fine = tried(cell(), { works: true, source: '192.0.2.10' });
  const none = tried(cell(lost, { promised: false }), { works: false });
  assert.deepEqual(
    randomText(7, [shape, { ...shape, name: 'r2' }], [...failed, fine, none], { full: false }).split('\n'),
    [
      'r1 (node1): eth0 lan IPv4; mode auto, podRPFilter 0',
      '  FAIL client → r1 net1 IPv4 tcp udp:',
      '       it must work: router: rp_filter 1 on lan1',
      'seed 7: 2 pods; 1 cells work, 1 do not work and need not, 2 failed',
      'again: npm run lab -- --once --matrix random --seed 7',
      '',
    ],
  );
});
