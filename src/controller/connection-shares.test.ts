import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { ConnectionShares } from './connection-shares.ts';

/** What a server sees of a connection. It closes later than it is destroyed, as those of Node do. */
class FakeSocket extends EventEmitter {
  isDestroyed = false;
  readonly remoteAddress: string;
  readonly remotePort: number;

  constructor(remoteAddress: string, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

function added(shares: ConnectionShares, address: string, ...ports: number[]): FakeSocket[] {
  return ports.map((port) => {
    const socket = new FakeSocket(address, port);
    shares.add(socket as unknown as Socket);
    return socket;
  });
}
const closedOf = (sockets: readonly FakeSocket[]) =>
  sockets.filter(({ isDestroyed }) => isDestroyed).map(({ remotePort }) => remotePort);

test('the address with the most connections loses its oldest', () => {
  const shares = new ConnectionShares(4);
  const few = added(shares, 'a', 1);
  const many = added(shares, 'b', 1, 2, 3);
  assert.deepEqual(closedOf([...few, ...many]), []);
  const more = added(shares, 'c', 1, 2);
  assert.deepEqual(closedOf(many), [1, 2]);
  assert.deepEqual(closedOf([...few, ...more]), []);
});

test('one in use is closed only if all others of its address are in use too', () => {
  const shares = new ConnectionShares(2);
  const [first, second] = added(shares, 'a', 1, 2) as [FakeSocket, FakeSocket];
  const end = shares.use(first);
  shares.use(first)();
  added(shares, 'b', 1);
  assert.deepEqual(closedOf([first, second]), [2]);
  const third = added(shares, 'a', 3)[0] as FakeSocket;
  assert.deepEqual(closedOf([first, third]), [3]);
  const fourth = added(shares, 'a', 4)[0] as FakeSocket;
  shares.use(fourth);
  end();
  end();
  assert.deepEqual(closedOf([first, fourth]), [4]);
});

test('a connection that has closed no longer counts, also when its port is used again before', () => {
  const shares = new ConnectionShares(2);
  const [old] = added(shares, 'a', 1) as [FakeSocket];
  const [again] = added(shares, 'a', 1) as [FakeSocket];
  old.emit('close');
  const [other] = added(shares, 'a', 2) as [FakeSocket];
  assert.deepEqual(closedOf([again, other]), []);
  again.emit('close');
  const [third] = added(shares, 'a', 3) as [FakeSocket];
  assert.deepEqual(closedOf([other, third]), []);
});
