import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogLines } from '#base/testing';
import { HealthCheckPorts } from './health-check-ports.ts';

let port = 0;
let ports = new HealthCheckPorts(new LogLines());
const check = (localEndpoints: number) => ({ namespace: 'shop', name: 'web', port, localEndpoints });

beforeEach(async () => {
  const free = createServer().listen(0);
  await once(free, 'listening');
  ({ port } = free.address() as AddressInfo);
  free.close();
  await once(free, 'close');
  ports = new HealthCheckPorts(new LogLines());
  await ports.serve([check(1)]);
});
afterEach(() => ports.close());

const status = async (init: RequestInit = {}) => {
  const answer = await fetch(`http://127.0.0.1:${port}/`, init);
  const { serviceProxyHealthy } = (await answer.json()) as { serviceProxyHealthy: boolean };
  return [answer.status, serviceProxyHealthy];
};

test('a load balancer hears of endpoints, of none, and of rules that do not serve', async () => {
  assert.deepEqual(await status(), [200, true]);
  await ports.serve([check(0)]);
  assert.deepEqual(await status(), [503, true]);
  await ports.serve([check(1)]);
  ports.isHealthy = false;
  assert.deepEqual(await status(), [503, false]);
});

test('a long request is answered, and one with a long header is refused', async () => {
  assert.deepEqual(await status({ method: 'POST', body: 'x'.repeat(1 << 22) }), [200, true]);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { x: 'x'.repeat(1 << 16) } });
  assert.equal(answer.status, 431);
});

test('of very many connections, some are closed at once, and the port answers when others have ended', async () => {
  const sockets: Socket[] = [];
  let closed = 0;
  const closedAre = async (count: number) => {
    for (let looks = 0; closed < count && looks < 500; looks++) await sleep(5);
  };
  for (let i = 0; i < 300; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.on('close', () => closed++);
    sockets.push(socket);
    await once(socket, 'connect');
  }
  await closedAre(44);
  assert.equal(closed, 44);
  for (const socket of sockets) socket.destroy();
  await closedAre(300);
  assert.deepEqual(await status(), [200, true]);
});

test('a port that another program has is opened when that has ended, and the log names the Service once', async () => {
  const other = createServer().listen(0);
  await once(other, 'listening');
  const log = new LogLines();
  const mine = new HealthCheckPorts(log);
  const wanted = { ...check(1), port: (other.address() as AddressInfo).port };
  await mine.serve([wanted]);
  await mine.serve([wanted]);
  assert.deepEqual(
    log.lines.map(({ fields }) => fields.service),
    ['shop/web'],
  );
  other.close();
  await once(other, 'close');
  await mine.serve([wanted]);
  assert.equal((await fetch(`http://127.0.0.1:${wanted.port}/`)).status, 200);
  mine.close();
});
