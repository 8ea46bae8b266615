// Services in the socket calls of real sockets. Each test has Services of its own; none reaches the machine's network.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { parseAddress } from '#ip';
import { type Frontend, placeText } from '#plan/service';
import { primeThreads } from '../netns.ts';
import { BalancedNode, serve, type Wanted } from './balanced-node-fixture.ts';
import type { SocketBalancer } from './socket-balancer.ts';

const BACKENDS = ['127.1.0.1', '127.1.0.2', '127.1.0.3'];
const [first = '', second = ''] = BACKENDS.map((host) => `${host}:8080`);
const SIX = 'fd00::1';

describe('Services in socket calls', () => {
  let node: BalancedNode;
  let balancer: SocketBalancer;

  const serving = (wanted: Wanted) => serve(balancer, wanted);

  before(async () => {
    await primeThreads();
    node = new BalancedNode();
    node.addAddress(`${SIX}/128`);
    balancer = node.open();
    await balancer.attach();
    await node.start();
    for (const host of [...BACKENDS, SIX]) await node.call('serve', host, 8080);
  });
  after(async () => {
    balancer.close();
    await node.end();
  });

  test('a TCP connection to a Service reaches a backend, and its peer is the Service', async () => {
    await serving({
      'TCP 10.96.0.1:80': { ready: [first] },
      'TCP [fd00:96::1]:80': { ready: [`[${SIX}]:8080`] },
    });
    assert.deepEqual(await node.call('tcp', '10.96.0.1', 80), { backend: first, peer: '10.96.0.1:80' });
    assert.deepEqual(await node.call('tcp', 'fd00:96::1', 80), {
      backend: `${SIX}:8080`,
      peer: 'fd00:96::1:80',
    });
  });

  test('an IPv6 socket reaches an IPv4 Service by its mapped address', async () => {
    await serving({ 'TCP 10.96.0.1:80': { ready: [first] }, 'UDP 10.96.0.1:80': { ready: [second] } });
    const mapped = '::ffff:10.96.0.1';
    assert.deepEqual(await node.call('tcp', mapped, 80), { backend: first, peer: `${mapped}:80` });
    await node.call('open', 'mapped', 6);
    assert.deepEqual(await node.call('send', 'mapped', mapped, 80), {
      backend: second,
      peer: `${mapped}:80`,
    });
    assert.equal(await node.call('connectUdp', 'mapped', mapped, 80), `${mapped}:80`);
    assert.deepEqual(await node.call('send', 'mapped'), { backend: second, peer: `${mapped}:80` });
  });

  test('TCP and UDP on one port are two Services', async () => {
    await serving({ 'TCP 10.96.0.1:53': { ready: [first] }, 'UDP 10.96.0.1:53': { ready: [second] } });
    assert.equal((await node.call('tcp', '10.96.0.1', 53)).backend, first);
    await node.call('open', 'dns', 4);
    assert.equal((await node.call('send', 'dns', '10.96.0.1', 53)).backend, second);
  });

  test('an answer to an unconnected UDP socket carries the address of the Service', async () => {
    await serving({
      'UDP 10.96.0.2:53': { ready: [first] },
      'UDP [fd00:96::2]:53': { ready: [`[${SIX}]:8080`] },
    });
    await node.call('open', 'four', 4);
    await node.call('open', 'six', 6);
    assert.deepEqual(await node.call('send', 'four', '10.96.0.2', 53), {
      backend: first,
      peer: '10.96.0.2:53',
    });
    assert.deepEqual(await node.call('send', 'six', 'fd00:96::2', 53), {
      backend: `${SIX}:8080`,
      peer: 'fd00:96::2:53',
    });
  });

  test('an answer from a backend that two Services have carries the address that was asked last', async () => {
    await serving({ 'UDP 10.96.0.2:53': { ready: [first] }, 'UDP 10.96.0.3:53': { ready: [first] } });
    await node.call('open', 'both', 4);
    for (const host of ['10.96.0.2', '10.96.0.3', '10.96.0.2'])
      assert.equal((await node.call('send', 'both', host, 53)).peer, `${host}:53`);
  });

  test('a connected UDP socket sees the Service as its peer and in answers', async () => {
    await serving({ 'UDP 10.96.0.4:53': { ready: [first] } });
    await node.call('open', 'connected', 4);
    assert.equal(await node.call('connectUdp', 'connected', '10.96.0.4', 53), '10.96.0.4:53');
    assert.deepEqual(await node.call('send', 'connected'), { backend: first, peer: '10.96.0.4:53' });
  });

  test('a UDP socket that connects elsewhere forgets the Service', async () => {
    await serving({ 'UDP 10.96.0.4:53': { ready: [first] } });
    await node.call('open', 'again', 4);
    await node.call('connectUdp', 'again', '10.96.0.4', 53);
    await node.call('disconnectUdp', 'again');
    assert.deepEqual(await node.call('send', 'again', BACKENDS[0] ?? '', 8080), {
      backend: first,
      peer: first,
    });
    assert.equal(await node.call('connectUdp', 'again', BACKENDS[0] ?? '', 8080), first);
    assert.deepEqual(await node.call('send', 'again'), { backend: first, peer: first });
  });

  test('a UDP socket keeps its backend while that one serves, and gets another one when it is gone', async () => {
    const vip = 'UDP 10.96.0.5:53';
    await serving({ [vip]: { ready: [first] } });
    await node.call('open', 'sticky', 4);
    const ask = async () => (await node.call('send', 'sticky', '10.96.0.5', 53)).backend;
    assert.equal(await ask(), first);
    await serving({ [vip]: { ready: [second], draining: [first] } });
    for (let i = 0; i < 10; i++) assert.equal(await ask(), first);
    await serving({ [vip]: { ready: [second] } });
    assert.equal(await ask(), second);
  });

  test('a Service without backends refuses at once', async () => {
    await serving({ 'TCP 10.96.0.6:80': {}, 'UDP 10.96.0.6:80': {} });
    await assert.rejects(node.call('tcp', '10.96.0.6', 80), /^Error: ECONNREFUSED$/);
    await node.call('open', 'none', 4);
    await assert.rejects(node.call('send', 'none', '10.96.0.6', 80), /^Error: ECONNREFUSED$/);
  });

  test('what is no Service is not touched', async () => {
    await serving({ 'TCP 127.1.0.1:80': { ready: [second] } });
    assert.deepEqual(await node.call('tcp', '127.1.0.1', 8080), { backend: first, peer: first });
    await node.call('open', 'foreign', 4);
    assert.deepEqual(await node.call('send', 'foreign', '127.1.0.1', 8080), { backend: first, peer: first });
  });

  test('a mesh needs the address of the Service: sockets of an exempt namespace keep it', async (t) => {
    t.after(() => balancer.exempt(new Set()));
    const { length } = balancer.followed();
    await serving({ 'TCP 127.1.0.9:80': { ready: [first] }, 'UDP 127.1.0.9:80': { ready: [first] } });
    await node.call('open', 'before', 4);
    const ask = () => node.call('send', 'before', '127.1.0.9', 80);
    assert.equal((await ask()).backend, first);
    await balancer.exempt(new Set([node.cookie(), 1n]));
    await assert.rejects(node.call('tcp', '127.1.0.9', 80), /^Error: ECONNREFUSED$/);
    await node.call('open', 'exempt', 4);
    assert.equal(await node.call('connectUdp', 'exempt', '127.1.0.9', 80), '127.1.0.9:80');
    assert.equal(balancer.followed().length, length);
    await balancer.exempt(new Set([1n]));
    assert.equal((await ask()).backend, first);
    assert.equal((await node.call('tcp', '127.1.0.9', 80)).backend, first);
  });

  test('connections are spread over all backends', async () => {
    await serving({ 'TCP 10.96.0.7:80': { ready: BACKENDS.map((host) => `${host}:8080`) } });
    const seen = await node.call('manyTcp', '10.96.0.7', 80, 600);
    const counts = Object.values(seen);
    assert.equal(counts.length, 3);
    // Six standard deviations.
    assert.ok(
      counts.every((count) => Math.abs(count - 200) < 70),
      JSON.stringify(seen),
    );
  });

  test('with affinity, a client gets the same backend, but none that takes no new connections', async () => {
    const ready = BACKENDS.map((host) => `${host}:8080`);
    await serving({ 'TCP 10.96.0.8:80': { ready, affinitySeconds: 3600 } });
    const [kept = '', ...others] = Object.keys(await node.call('manyTcp', '10.96.0.8', 80, 30));
    assert.deepEqual(others, []);
    const rest = ready.filter((each) => each !== kept);
    await serving({ 'TCP 10.96.0.8:80': { ready: [kept, ...rest].toReversed(), affinitySeconds: 3600 } });
    assert.equal((await node.call('tcp', '10.96.0.8', 80)).backend, kept);
    await serving({ 'TCP 10.96.0.8:80': { ready: rest, draining: [kept], affinitySeconds: 3600 } });
    assert.notEqual((await node.call('tcp', '10.96.0.8', 80)).backend, kept);
  });

  test('affinity differs between calls: connect and sendto give a client one backend', async () => {
    const ready = BACKENDS.map((host) => `${host}:8080`);
    const seen = new Set<string>();
    await serving({ 'UDP 10.96.0.10:53': { ready, affinitySeconds: 3600 } });
    for (let number = 0; number < 10; number++) {
      const name = `affine-${number}`;
      await node.call('open', name, 4);
      if (number % 2 === 0) {
        await node.call('connectUdp', name, '10.96.0.10', 53);
        seen.add((await node.call('send', name)).backend);
      } else {
        seen.add((await node.call('send', name, '10.96.0.10', 53)).backend);
      }
      await node.call('close', name);
    }
    assert.equal(seen.size, 1, [...seen].join(' '));
  });

  test('the table of answers is full: a ninth Service of a socket is left alone, and eight go on', async () => {
    const hosts = Array.from({ length: 9 }, (_, index) => `127.2.0.${index + 1}`);
    const ninth = hosts.at(-1) ?? '';
    await node.call('serve', ninth, 53);
    await serving(Object.fromEntries(hosts.map((host) => [`UDP ${host}:53`, { ready: [first] }])));
    await node.call('open', 'many', 4);
    for (let round = 0; round < 2; round++)
      for (const host of hosts)
        assert.deepEqual(await node.call('send', 'many', host, 53), {
          backend: host === ninth ? `${ninth}:53` : first,
          peer: `${host}:53`,
        });
  });

  test('100,000 sockets are spread evenly: each backend has its share within 3 %', async () => {
    const [sockets, rounds] = [1_000, 100];
    await serving({ 'UDP 10.96.0.11:53': { ready: BACKENDS.map((host) => `${host}:8080`) } });
    const counts = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      await node.call('connectMany', '10.96.0.11', 53, sockets);
      for (const { service, backend } of balancer.followed()) {
        if (placeText(service) !== '10.96.0.11:53') continue;
        const text = placeText(backend);
        counts.set(text, (counts.get(text) ?? 0) + 1);
      }
      await node.call('closeMany');
    }
    const share = (sockets * rounds) / BACKENDS.length;
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      sockets * rounds,
    );
    // The standard deviation of a count is 149, so that chance alone is beyond the bound of 1,000 once in 10^10 runs.
    for (const [backend, count] of counts)
      assert.ok(Math.abs(count - share) < 0.03 * share, `${backend} has ${count} of ${share}`);
  });

  test('100,000 sockets connect while backends change 100 times a second: each gets one that was there, or is refused', async () => {
    const [sockets, rounds, vip] = [1_000, 100, '10.96.0.13:53'];
    const states = [[first], [second], [], [first, second]];
    let isDone = false;
    let changes = 0;
    const churn = async () => {
      for (; !isDone; changes++) {
        await serving({ [`UDP ${vip}`]: { ready: states[changes % states.length] ?? [] } });
        await wait(10);
      }
    };
    await serving({ [`UDP ${vip}`]: { ready: [first] } });
    const churning = churn();
    const seen: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      const said = await node.call('connectMany', '10.96.0.13', 53, sockets);
      for (const [what, count] of Object.entries(said)) seen[what] = (seen[what] ?? 0) + count;
      for (const { service, backend } of balancer.followed())
        if (placeText(service) === vip) assert.ok([first, second].includes(placeText(backend)));
      await node.call('closeMany');
    }
    isDone = true;
    await churning;
    assert.deepEqual(Object.keys(seen).toSorted(), ['ECONNREFUSED', 'connected'], JSON.stringify(seen));
    assert.ok(changes > states.length, `${changes} changes`);
  });

  test('each Service counts the sockets that asked, and those that were refused', async () => {
    const before = balancer.counts();
    const test = { 'TCP 127.255.255.1:80': { ready: [first] } };
    await serving({ 'TCP 10.96.0.12:80': { ready: [first] }, 'UDP 10.96.0.12:53': {}, ...test });
    // The agent's own test does not count.
    await node.call('tcp', '127.255.255.1', 80);
    for (let number = 0; number < 3; number++) await node.call('tcp', '10.96.0.12', 80);
    await node.call('open', 'refused', 4);
    await assert.rejects(node.call('send', 'refused', '10.96.0.12', 53), /ECONNREFUSED/);
    const after = balancer.counts();
    assert.deepEqual(
      [after.get('TCP 10.96.0.12:80'), after.get('UDP 10.96.0.12:53')],
      [
        { chosen: 3, refused: 0 },
        { chosen: 0, refused: 1 },
      ],
    );
    const more = (key: string) => (after.get(key)?.chosen ?? 0) - (before.get(key)?.chosen ?? 0);
    assert.equal(more('TCP [::]:0'), 3);
    const all: Frontend = { address: parseAddress('::'), port: 0, protocol: 'TCP' };
    const missing: Frontend = { address: parseAddress('10.96.0.99'), port: 80, protocol: 'TCP' };
    assert.deepEqual([...balancer.counts([missing, all])], [['TCP [::]:0', after.get('TCP [::]:0')]]);
    await serving({});
    assert.equal(balancer.counts().has('TCP 10.96.0.12:80'), false);
    assert.equal(balancer.counts().get('TCP [::]:0')?.chosen, after.get('TCP [::]:0')?.chosen);
  });

  test('connections succeed while backends change and programs are replaced', async () => {
    const vip = 'TCP 10.96.0.9:80';
    await serving({ [vip]: { ready: [first] } });
    const connections = node.call('manyTcp', '10.96.0.9', 80, Number.MAX_SAFE_INTEGER);
    for (let replaced = 0; replaced < 5; replaced++) {
      const fresh = node.open();
      for (let changed = 0; changed < 40; changed++)
        await serve(fresh, { [vip]: { ready: changed % 2 === 0 ? [second] : [first] } });
      await fresh.attach();
      fresh.close();
    }
    await node.call('stop');
    const seen = await connections;
    await balancer.attach();
    assert.deepEqual(Object.keys(seen).toSorted(), [first, second], JSON.stringify(seen));
  });
});
