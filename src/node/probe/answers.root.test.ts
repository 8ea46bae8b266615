// Who answers for addresses on a LAN of namespaces: one machine, a second one, a proxy, nobody.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { systemClock } from '#base';
import { parseAddress } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import { ip, Lan } from '../lan-fixture.ts';
import { whoAnswers } from './answers.ts';

before(primeThreads);

const rivalMac = '0a:00:00:00:00:99';
/** Of the node, and of the router. */
const own = { 4: '10.6.212.101', 6: 'fd00:10:6::101' } as const;
const router = { 4: '10.6.0.1', 6: 'fd00:10:6::1' } as const;
const free = { 4: '10.6.0.77', 6: 'fd00:10:6::77' } as const;

/** A machine of its own on the same switch. */
function addRival(lan: Lan, ...addresses: readonly string[]): void {
  ip(
    '-n',
    lan.lan,
    'link',
    'add',
    'rport',
    'master',
    'br0',
    'up',
    'type',
    'veth',
    'peer',
    'name',
    'rival',
    'netns',
    lan.pod,
  );
  ip('-n', lan.pod, 'link', 'set', 'rival', 'address', rivalMac, 'up');
  for (const address of addresses)
    ip(
      '-n',
      lan.pod,
      'address',
      'add',
      address,
      'dev',
      'rival',
      ...(address.includes('::') ? ['nodad'] : []),
    );
}

async function answers(lan: Lan, addresses: readonly string[]): Promise<Record<string, readonly string[]>> {
  const request = { netns: lan.path(lan.node), nic: 'eth0', addresses: addresses.map(parseAddress) };
  const said = await whoAnswers(request, systemClock);
  if (typeof said === 'string') assert.fail(said);
  return Object.fromEntries(said);
}

test('the router answers by its MAC address in both families, and nobody for free addresses and for our own', async () => {
  using lan = new Lan('wa');
  const [link] = JSON.parse(ip('-j', '-n', lan.lan, 'link', 'show', 'br0')) as [{ address: string }];
  const asked = [...Object.values(router), ...Object.values(free), ...Object.values(own)];
  assert.deepEqual(await answers(lan, asked), {
    [router[4]]: [link.address],
    [router[6]]: [link.address],
  });
});

test('a second machine with the addresses of the router is heard beside it', async () => {
  using lan = new Lan('wb');
  addRival(lan, `${router[4]}/16`, `${router[6]}/64`);
  const heard = await answers(lan, Object.values(router));
  for (const address of Object.values(router)) {
    assert.equal(heard[address]?.length, 2, address);
    assert.ok(heard[address]?.includes(rivalMac));
  }
});

test('a machine with the addresses of the node itself is heard', async () => {
  using lan = new Lan('we');
  addRival(lan, `${own[4]}/16`, `${own[6]}/64`);
  assert.deepEqual(await answers(lan, Object.values(own)), { [own[4]]: [rivalMac], [own[6]]: [rivalMac] });
});

test('a proxy that answers for an address elsewhere is heard', async () => {
  using lan = new Lan('wc');
  addRival(lan, '10.6.0.50/16');
  ip('-n', lan.pod, 'link', 'add', 'elsewhere', 'up', 'type', 'veth', 'peer', 'name', 'end');
  ip('-n', lan.pod, 'link', 'set', 'end', 'up');
  ip('-n', lan.pod, 'route', 'add', free[4], 'dev', 'elsewhere');
  ip('-n', lan.pod, 'neighbour', 'add', 'proxy', free[4], 'dev', 'rival');
  const pod = openNamespace(lan.path(lan.pod));
  pod.setSysctl('ipv4/ip_forward', '1');
  pod.close();
  assert.deepEqual(await answers(lan, [free[4]]), { [free[4]]: [rivalMac] });
});

test('on a NIC without a cable nobody is asked', async () => {
  using lan = new Lan('wd');
  ip('-n', lan.lan, 'link', 'set', 'port', 'down');
  const request = { netns: lan.path(lan.node), nic: 'eth0', addresses: [parseAddress(router[4])] };
  assert.equal(await whoAnswers(request, systemClock), 'eth0 has no carrier');
});
