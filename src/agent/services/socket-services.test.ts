// When the programs are attached, when they are taken away, and what the user is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type EndpointSlice, resources, type Service } from '#api';
import { OrbError } from '#base';
import { FakeClock, LogLines } from '#base/testing';
import { FakeKube } from '#kube/testing';
import type { FollowedSocket, TableChanges, WrittenEntry } from '#plan/service';
import { ServiceView, ServiceWatch } from './service-view.ts';
import { type Balancer, SocketServices } from './socket-services.ts';

const key = (name: string) => `TCP 10.96.0.${name}:80`;

/** The programs and tables of a kernel. They outlive the agent. */
class FakeKernel {
  written = new Map<string, WrittenEntry>();
  isAttached = false;
  others: string[] = [];
  exempt: ReadonlySet<bigint> = new Set();
  exemptAtAttach: ReadonlySet<bigint> | undefined;
  /** Connected UDP sockets. */
  sockets: FollowedSocket[] = [];
  /** What the next tries to end sockets end with. */
  readonly endFailures: OrbError[] = [];
  /** What the next tries to write end with. */
  readonly failures: OrbError[] = [];
  open = async (): Promise<Balancer> => ({
    services: async () => ({ written: this.written, lastSet: 0 }),
    write: async ({ written, putServices, removeServices }: TableChanges) => {
      const failure = this.failures.shift();
      if (failure !== undefined) throw failure;
      for (const { address, port, protocol } of removeServices)
        this.written.delete(`${protocol} 10.96.0.${address.value & 0xffn}:${port}`);
      for (const entry of putServices)
        for (const [at, each] of written) if (each === entry) this.written.set(at, entry);
    },
    attach: async () => {
      this.exemptAtAttach = this.exempt;
      this.isAttached = true;
    },
    detach: () => {
      this.isAttached = false;
    },
    exempt: async (namespaces) => {
      this.exempt = namespaces;
    },
    counts: () => new Map([['TCP 10.96.0.1:80', { chosen: 4, refused: 1 }]]),
    followed: () => this.sockets,
    endSockets: async (sockets) => {
      const failure = this.endFailures.shift();
      if (failure !== undefined) throw failure;
      this.sockets = this.sockets.filter((each) => !sockets.includes(each));
      return sockets.length;
    },
    state: () => [
      {
        hook: 'connect4',
        isOurs: this.isAttached,
        others: this.others.map((name, id) => ({ id, name })),
      },
    ],
    close: () => {},
  });
}

/** An agent on a cluster with Services `1` and `2`, each with one backend. */
async function scene(kernel = new FakeKernel()) {
  const kube = new FakeKube();
  const clock = new FakeClock();
  const log = new LogLines();
  const told: string[] = [];
  const state = {
    problem: undefined as string | undefined,
    zone: 'west',
    failures: 0,
    ended: 0,
    exempt: [1n],
  };
  const slices = new Map<string, EndpointSlice>();
  for (const name of ['1', '2']) {
    const clusterIP = `10.96.0.${name}`;
    await kube.create(resources.services, {
      metadata: { namespace: 'shop', name },
      spec: { clusterIP, ports: [{ port: 80 }] },
    } as Service);
    const slice = await kube.create(resources.endpointSlices, {
      metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': name } },
      ...{ addressType: 'IPv4', ports: [{ port: 8080 }], endpoints: [{ addresses: ['10.244.0.1'] }] },
    } as EndpointSlice);
    slices.set(name, slice);
  }
  const services = new SocketServices({
    ...{
      clock,
      log,
      open: kernel.open,
      view: new ServiceView(new ServiceWatch({ client: kube, clock, log })),
    },
    here: () => ({ name: 'node1', zone: state.zone, addresses: [], usesExternalIps: false }),
    prove: async () => ({ entries: [], findProblem: async () => state.problem, close: () => {} }),
    failed: () => void state.failures++,
    ended: (count) => {
      state.ended += count;
    },
    exempt: async () => new Set(state.exempt),
    tell: (message) => void told.push(message),
  });
  const leaving = new AbortController();
  const ended = services.run(leaving.signal);
  const settle = async () => {
    for (let i = 0; i < 50; i++) await turn();
  };
  const wait = async (ms: number) => {
    await clock.advance(ms);
    await settle();
  };
  await settle();
  return {
    ...{ kube, kernel, log, told, state, slices, services, wait, settle },
    stop: async () => {
      leaving.abort();
      await ended;
    },
  };
}

const backends = (kernel: FakeKernel, name: string) =>
  kernel.written.get(key(name))?.backends.ready.map(({ address }) => Number(address.value & 0xffn));

test('the tables are filled, the programs are attached, and the state is on once a try has succeeded', async () => {
  const { kernel, services, told, stop } = await scene();
  assert.deepEqual([backends(kernel, '1'), backends(kernel, '2')], [[1], [1]]);
  assert.deepEqual([kernel.isAttached, services.isOn, services.size, told], [true, true, 2, []]);
  assert.deepEqual(services.counts().get(key('1')), { chosen: 4, refused: 1 });
  await stop();
  assert.equal(services.counts().size, 0);
  assert.equal(kernel.isAttached, true);
});

test('attached programs that do not serve are not reported as on', async () => {
  const { kernel, state, services, told, wait, stop } = await scene();
  state.problem = 'a TCP connection failed';
  await wait(5_000);
  assert.deepEqual([kernel.isAttached, services.isOn], [true, false]);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /a TCP connection failed/);
  await wait(5_000);
  assert.equal(told.length, 1);
  state.problem = undefined;
  await wait(5_000);
  assert.equal(services.isOn, true);
  await stop();
});

test('beside another balancer the programs are taken away, and come back when it has gone', async () => {
  const { kernel, services, told, wait, stop } = await scene();
  kernel.others = ['cil_sock4_conne'];
  await wait(5_000);
  assert.deepEqual([kernel.isAttached, services.isOn], [false, false]);
  assert.match(told[0] ?? '', /cil_sock4_conne/);
  kernel.others = ['observer'];
  await wait(5_000);
  assert.deepEqual([kernel.isAttached, services.isOn], [true, true]);
  await stop();
});

test('programs that somebody took away are attached again', async () => {
  const { kernel, wait, stop } = await scene();
  kernel.isAttached = false;
  await wait(5_000);
  assert.equal(kernel.isAttached, true);
  await stop();
});

test('a changed Service is written at once, and alone', async () => {
  const { kube, kernel, slices, settle, stop } = await scene();
  const before = kernel.written.get(key('2'));
  const slice = slices.get('1') as EndpointSlice;
  await kube.update(resources.endpointSlices, { ...slice, endpoints: [{ addresses: ['10.244.0.7'] }] });
  await settle();
  assert.deepEqual(backends(kernel, '1'), [7]);
  assert.equal(kernel.written.get(key('2')), before);
  await kube.delete(resources.services, { namespace: 'shop', name: '1' });
  await settle();
  assert.deepEqual([...kernel.written.keys()], [key('2')]);
  await stop();
});

test('a Service that was deleted while no agent ran goes at the next start', async () => {
  const first = await scene();
  await first.stop();
  const { kernel } = first;
  const gone = kernel.written.get(key('1')) as WrittenEntry;
  const address = { family: 4, value: (10n << 24n) + (96n << 16n) + 9n } as const;
  kernel.written.set(key('9'), { ...gone, frontend: { ...gone.frontend, address } });
  const { stop } = await scene(kernel);
  assert.deepEqual([...kernel.written.keys()].toSorted(), [key('1'), key('2')]);
  await stop();
});

test('another zone of the node changes the backends of Services with hints', async () => {
  const { kube, kernel, slices, state, services, settle, stop } = await scene();
  const endpoints = ['west', 'east'].map((name, index) => ({
    addresses: [`10.244.0.${index + 1}`],
    hints: { forZones: [{ name }] },
  }));
  await kube.update(resources.endpointSlices, { ...(slices.get('1') as EndpointSlice), endpoints });
  await settle();
  assert.deepEqual(backends(kernel, '1'), [1]);
  state.zone = 'east';
  services.nodeChanged();
  await settle();
  assert.deepEqual(backends(kernel, '1'), [2]);
  await stop();
});

test('an endpoint with a wrong address is left out, the others are served, and the log names the Service', async () => {
  const { kube, kernel, log, slices, settle, stop } = await scene();
  const wrong = [{ addresses: ['10.244.0.999'] }, { addresses: ['10.244.0.6'] }];
  await kube.update(resources.endpointSlices, { ...(slices.get('1') as EndpointSlice), endpoints: wrong });
  const right = [{ addresses: ['10.244.0.5'] }];
  await kube.update(resources.endpointSlices, { ...(slices.get('2') as EndpointSlice), endpoints: right });
  await settle();
  assert.deepEqual([backends(kernel, '1'), backends(kernel, '2')], [[6], [5]]);
  const warning = log.lines.find(({ level }) => level === 'warn');
  assert.equal(warning?.fields.service, 'shop/1');
  await stop();
});

test('where the tables cannot be written twice, the programs are taken away, and kube-proxy serves', async () => {
  const { kube, kernel, slices, state, services, told, wait, settle, stop } = await scene();
  const full = () => new OrbError('KERNEL_REFUSED', { message: 'BPF map members is full', subject: 'map' });
  kernel.failures.push(full(), full());
  const right = [{ addresses: ['10.244.0.5'] }];
  await kube.update(resources.endpointSlices, { ...(slices.get('1') as EndpointSlice), endpoints: right });
  await settle();
  assert.deepEqual([kernel.isAttached, services.isOn, state.failures], [true, false, 1]);
  assert.match(told[0] ?? '', /map members is full/);
  await wait(1_000);
  assert.deepEqual([kernel.isAttached, state.failures], [false, 2]);
  await wait(60_000);
  assert.deepEqual([kernel.isAttached, services.isOn, backends(kernel, '1')], [true, true, [5]]);
  await stop();
});

/** A socket that is connected to a port of Service `1`, whose port for TCP is another one. */
function connectedSocket(): FollowedSocket {
  const service = { address: { family: 4, value: 1n }, port: 80, protocol: 'UDP' } as const;
  return { cookie: 5n, service, backend: { address: { family: 4, value: 2n }, port: 53 } };
}

test('a connected UDP socket whose backend is gone is ended when a Service changes', async () => {
  const { kube, kernel, slices, state, settle, stop } = await scene();
  kernel.sockets = [connectedSocket()];
  await kube.update(resources.endpointSlices, { ...(slices.get('1') as EndpointSlice), endpoints: [] });
  await settle();
  assert.deepEqual([kernel.sockets, state.ended], [[], 1]);
  await stop();
});

test('where a socket cannot be ended, Services are served, and it is tried again', async () => {
  const { kube, kernel, log, slices, services, state, wait, settle, stop } = await scene();
  kernel.sockets = [connectedSocket()];
  kernel.endFailures.push(
    new OrbError('KERNEL_REFUSED', { message: 'cannot end a UDP socket', subject: 'node' }),
  );
  const slice = await kube.update(resources.endpointSlices, {
    ...(slices.get('1') as EndpointSlice),
    endpoints: [],
  });
  await settle();
  assert.deepEqual([kernel.isAttached, services.isOn, state.failures, state.ended], [true, true, 1, 0]);
  assert.ok(log.lines.some(({ level, message }) => level === 'warn' && /cannot end connected/.test(message)));
  await kube.update(resources.endpointSlices, { ...slice, endpoints: [{ addresses: ['10.244.0.5'] }] });
  await settle();
  // Another change alone does not look into all namespaces for the same socket again.
  assert.equal(state.ended, 0);
  await wait(5_000);
  assert.equal(state.ended, 1);
  await stop();
});

test('pods that leave Services to kube-proxy are exempt before the programs run, and new ones at once', async () => {
  const { kernel, services, state, settle, stop } = await scene();
  assert.deepEqual(kernel.exemptAtAttach, new Set([1n]));
  state.exempt = [1n, 2n];
  services.nodeChanged();
  await settle();
  assert.deepEqual(kernel.exempt, new Set([1n, 2n]));
  await stop();
});
