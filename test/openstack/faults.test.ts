// The real Neutron behind a front that refuses, resets, hangs, or loses answers: one writer of a port, then a node with pods.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { isOrbError, silentLogger, systemClock } from '#base';
import type { CloudClient } from '#openstack';
import { FixedIps, LedgerFile, PortAddresses } from '#openstack/own-port';
import { until } from '../e2e/program.ts';
import { type Answer, type Asked, type Fault, Front } from './front.ts';
import { PortNode } from './port-node.ts';
import { Api, client, isLong, makeNetwork, type PortObject } from './scene.ts';

const html = '<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>';
const json = { 'content-type': 'application/json' };
const refusal = (status: number, type: string): Answer => ({
  ...{ status, headers: json },
  body: JSON.stringify({ NeutronError: { type, message: `said by the front: ${type}`, detail: '' } }),
});
const answers = {
  401: {
    status: 401,
    body: JSON.stringify({ error: { code: 401, message: 'no', title: 'no' } }),
    headers: json,
  },
  409: refusal(409, 'Conflict'),
  412: refusal(412, 'RevisionNumberConstraintFailed'),
  503: { status: 503, body: html, headers: { 'content-type': 'text/html', 'retry-after': '1' } },
} as const satisfies Record<number, Answer>;

let api: Api;
let front: Front;

before(async () => {
  api = await Api.of();
  front = await Front.start();
});
afterEach(() => {
  front.fault = () => undefined;
});
after(() => front.close());

const isNeutron = ({ server }: Asked) => server === 'neutron';
const isWrite = (asked: Asked) => isNeutron(asked) && asked.method === 'PUT';

/** The next request that matches gets the fault; all others are passed on. */
function failNext(matches: (asked: Asked) => boolean, fault: Fault): void {
  let isOver = false;
  front.fault = (asked) => {
    if (isOver || !matches(asked)) return undefined;
    isOver = true;
    return fault;
  };
}

describe('a writer of a port', () => {
  let cloud: CloudClient;
  let folder: string;
  let networkId: string;
  let subnetId: string;

  before(async () => {
    cloud = client(front.environment());
    folder = mkdtempSync(join(tmpdir(), 'orbweaver-faults-'));
    ({ networkId, subnetId } = await makeNetwork(api, 'faults', '10.44.0.0/24'));
  });
  after(() => {
    cloud.close();
    rmSync(folder, { recursive: true });
  });

  async function newPort() {
    const port = await api.make<PortObject>('port', { network_id: networkId });
    const own = port.fixed_ips[0]?.ip_address ?? '';
    const parts = {
      neutron: cloud.neutron,
      file: new LedgerFile(folder, port.id, systemClock),
      ...{ portId: port.id, clock: systemClock, log: silentLogger, nodeAddresses: [own] },
      warm: { low: 0, high: 0 },
    };
    const addresses = new PortAddresses({ ...parts, keeper: new FixedIps(parts) });
    await addresses.reconcile();
    const onPort = async () => {
      const read = await api.neutron<{ port: PortObject }>('GET', `/ports/${port.id}`);
      return read.port.fixed_ips.map(({ ip_address }) => ip_address).toSorted();
    };
    const give = async () => {
      await addresses.release(() => true, 0);
      await addresses.tend([subnetId]);
    };
    return { addresses, own, onPort, give };
  }

  const lost: readonly (readonly [string, Fault['what']])[] = [
    ['401', answers[401]],
    ['409', answers[409]],
    ['412, as a proxy gets it that sends a request twice', answers[412]],
    ['503 with a page', answers[503]],
    ['a closed connection', 'reset'],
  ];
  for (const [name, what] of lost) {
    test(`whose write is done and answered with ${name} has one address for its pod, and leaves none`, async () => {
      const { addresses, own, onPort, give } = await newPort();
      failNext(isWrite, { when: 'after', what });
      const first = await addresses.take('pod', subnetId).catch((error: unknown) => {
        assert.ok(isOrbError(error), String(error));
        return undefined;
      });
      const address = await addresses.take('pod', subnetId);
      if (first !== undefined) assert.equal(address, first);
      assert.deepEqual(await onPort(), [own, address].toSorted());
      const other = await addresses.take('other', subnetId);
      assert.deepEqual(await onPort(), [own, address, other].toSorted());
      failNext(isWrite, { when: 'after', what });
      await give().catch(() => {});
      await give();
      assert.deepEqual(await onPort(), [own]);
    });
  }

  test('is refused in the words of the server, and nothing is left of it', async () => {
    const { addresses, own, onPort } = await newPort();
    const codes = [
      [answers[409], 'OPENSTACK_CONFLICT', /Conflict/],
      [answers[503], 'OPENSTACK_UNREACHABLE', /Service Unavailable/],
    ] as const;
    for (const [what, code, said] of codes) {
      failNext(isWrite, { when: 'before', what });
      await assert.rejects(addresses.take('pod', subnetId), (error) => {
        assert.ok(isOrbError(error, code), String(error));
        assert.match(`${error.message} ${error.said}`, said);
        return true;
      });
      assert.deepEqual(await onPort(), [own]);
    }
    front.fault = (asked) => (isNeutron(asked) ? { when: 'before', what: answers[401] } : undefined);
    await assert.rejects(addresses.take('pod', subnetId), (error) =>
      isOrbError(error, 'OPENSTACK_LOGIN_REFUSED'),
    );
    front.fault = () => undefined;
    assert.deepEqual(await onPort(), [own]);
  });

  test('goes on by itself after one 401 and one 412', async () => {
    const { addresses, own, onPort, give } = await newPort();
    for (const [index, what] of [answers[401], answers[412]].entries()) {
      failNext(isWrite, { when: 'before', what });
      await addresses.take(`pod-${index}`, subnetId);
    }
    assert.equal((await onPort()).length, 3);
    await give();
    assert.deepEqual(await onPort(), [own]);
  });

  test('gives nothing to a pod that has stopped waiting', async () => {
    const { addresses, own, onPort, give } = await newPort();
    const leaves = new AbortController();
    front.fault = (asked) => {
      if (isWrite(asked)) leaves.abort(new Error('it has left'));
      return undefined;
    };
    await assert.rejects(addresses.take('gone', subnetId, { signal: leaves.signal }), /it has left/);
    front.fault = () => undefined;
    assert.ok(!(await addresses.hasSome('gone')));
    const address = await addresses.take('pod', subnetId);
    assert.deepEqual(await onPort(), [own, address].toSorted(), 'what came for it is given to the next');
    await give();
  });
});

describe('a node whose Neutron', () => {
  let here: PortNode;
  const ready = { low: 3, high: 6 };
  let pods = 0;

  before(async () => {
    const agent = { addressRestSeconds: 1, neutronReadyLow: ready.low, neutronReadyHigh: ready.high };
    here = await PortNode.start(api, agent, front.environment());
    await here.del((await here.addPod('first')).sandbox);
  });
  after(() => here.stop());

  const all = (what: Fault['what']) => (asked: Asked) =>
    isNeutron(asked) ? ({ when: 'before', what } as const) : undefined;
  const down = () => ({ when: 'before', what: 'reset' }) as const;
  const faults: readonly (readonly [string, number, Front['fault']])[] = [
    ['answers 401', 3, all(answers[401])],
    ['answers 409', 3, all(answers[409])],
    ['answers 412', 3, all(answers[412])],
    ['answers 503 with a page', 3, all(answers[503])],
    ['closes connections', 3, all('reset')],
    ['hangs', 3, all('hang')],
    ['is down, with Keystone', isLong ? 60 : 10, down],
  ];
  for (const [name, seconds, fault] of faults) {
    test(`${name} starts pods with what is ready, and has more when it is back`, async () => {
      await until('six are ready', async () => (await here.readyCount()) >= ready.high);
      front.fault = fault;
      const begun = performance.now();
      const started: Awaited<ReturnType<PortNode['addPod']>>[] = [];
      front.asked.length = 0;
      for (let i = 0; i < 4; i++) started.push(await here.addPod(`pod-${pods++}`));
      const last = started.pop();
      assert.ok(last !== undefined);
      await here.del(last.sandbox);
      const tookMs = performance.now() - begun;
      assert.ok(tookMs < 5_000, `four pods took ${tookMs} ms`);
      await until('the agent asks in vain', () => front.asked.length > 0);
      await until('the time is over', () => performance.now() - begun > seconds * 1000, 120_000);
      started.push(await here.addPod(`pod-${pods++}`));
      front.fault = () => undefined;
      front.hangUp();
      const { size } = new Set(started.map(({ address }) => address));
      assert.equal(size, started.length);
      const isBack = async () => (await here.onPort()).length >= 1 + started.length + ready.low;
      await until('addresses are ready again', isBack, 90_000);
      const there = await here.onPort();
      for (const { address } of started) assert.ok(there.includes(address), address);
      await here.del(...started.map(({ sandbox }) => sandbox));
    });
  }
});
