import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { parseAddress } from '#ip';
import type { ProxyNeighbour } from '#net';
import { type AttachmentRecord, vethRoutePart, withPart } from '#node';
import { ProxyWatch } from './proxy-watch.ts';

function record(containerId: string, address: string, supersededBy?: string): AttachmentRecord {
  const base: AttachmentRecord = {
    ...{
      version: 1,
      containerId,
      interfaceName: 'eth0',
      network: 'net',
      createdAt: '2030-01-01T00:00:00.000Z',
    },
    ...(supersededBy !== undefined && { supersededBy }),
  };
  const plan = {
    addresses: [{ address, uplink: 'ens3' }],
    mtuBytes: 1500,
    podMac: '02:00:00:00:00:01',
    nodeAddresses: [],
  };
  return withPart(base, vethRoutePart, { state: 'done', plan });
}

function scene(
  records: readonly AttachmentRecord[],
  proxies: () => ProxyNeighbour[],
  log: Logger = silentLogger,
) {
  const clock = new FakeClock();
  const missing: string[] = [];
  const watch = new ProxyWatch({
    attachments: { all: () => [...records] },
    node: { proxies },
    missing: (containerId) => missing.push(containerId),
    ...{ clock, log },
  });
  return { watch, clock, missing };
}

const proxy = (address: string, dev = 'ens3') => ({ dev, address: parseAddress(address) });

test('only pods whose proxy is gone are compared, and no sandbox that a newer one has replaced', () => {
  const records = [
    record('there', '10.0.0.1/24'),
    record('gone', '10.0.0.2/24'),
    record('elsewhere', '10.0.0.3/24'),
    record('old', '10.0.0.4/24', 'young'),
  ];
  const { watch, missing } = scene(records, () => [proxy('10.0.0.1'), proxy('10.0.0.3', 'ens4')]);
  watch.look();
  assert.deepEqual(missing, ['gone', 'elsewhere']);
});

test('a node without such pods is not asked', () => {
  const { watch, missing } = scene([], () => assert.fail('it was asked'));
  watch.look();
  assert.deepEqual(missing, []);
});

test('it looks again after a look that failed, until it is stopped', async () => {
  let looks = 0;
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, text: string) => warnings.push(text) };
  const { watch, clock, missing } = scene(
    [record('gone', '10.0.0.2/24')],
    () => {
      looks++;
      if (looks === 1) throw new Error('EBUSY');
      return [];
    },
    log,
  );
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  for (const _ of [1, 2, 3]) await clock.advance(5_000);
  stop.abort();
  await running;
  assert.deepEqual([looks, missing.length, warnings.length], [3, 2, 1]);
});
