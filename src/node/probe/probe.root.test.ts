// Probes on a LAN of namespaces: rivals that hold or want the address, gateways, silence, and what neighbours remember.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { type Clock, silentLogger, systemClock } from '#base';
import { formatAddress, parseAddress } from '#ip';
import { arpAnnouncement, openNamespace, openNetns, PacketSocket, primeThreads } from '#kernel';
import { ip, Lan } from '../lan-fixture.ts';
import { type ProbeReport, type ProbeRequest, probeNic } from './index.ts';

before(primeThreads);

/** Nobody wakes who waits for it. */
const never = new Int32Array(new SharedArrayBuffer(4));

const own = { 4: '10.6.0.50', 6: 'fd00:10:6::50' } as const;
const gateways = { 4: '10.6.0.1', 6: 'fd00:10:6::1' } as const;
const podMac = '0a:00:00:00:00:50';
const rivalMac = '0a:00:00:00:00:99';
const bothFamilies = [4, 6] as const;

/** What macvlan leaves when it asks for addresses: the link under its final name, down, without any. */
function addNic(lan: Lan, namespace: string, mac: string): void {
  const name = `m${mac.slice(-2)}`;
  ip(
    '-n',
    lan.node,
    'link',
    'add',
    name,
    'link',
    'eth0',
    'address',
    mac,
    'type',
    'macvlan',
    'mode',
    'bridge',
  );
  ip('-n', lan.node, 'link', 'set', name, 'netns', namespace, 'name', 'net1');
}

/** A machine on the same switch, with its own cable. */
function addRival(lan: Lan): void {
  ip('-n', lan.lan, 'link', 'add', 'rport', 'master', 'br0', 'up', 'type', 'veth', 'peer', 'name', 'rival');
  ip('-n', lan.lan, 'link', 'set', 'rival', 'address', rivalMac, 'up');
}

function request(lan: Lan, changes: Partial<ProbeRequest> = {}): ProbeRequest {
  return {
    netns: lan.path(lan.pod),
    nic: 'net1',
    targets: bothFamilies.map((family) => ({ address: parseAddress(own[family]) })),
    detectConflict: true,
    deadlineMs: 300,
    signal: AbortSignal.timeout(20_000),
    log: silentLogger,
    ...changes,
  };
}

/** The verdict in words and how long it took. */
async function probe(asked: ProbeRequest): Promise<{ said: string; tookMs: number }> {
  const start = performance.now();
  const report = await probeNic(asked, systemClock);
  return { said: words(report), tookMs: performance.now() - start };
}

function words(report: ProbeReport): string {
  if (report.kind === 'conflict') return `${formatAddress(report.address)} at ${report.mac}`;
  return report.kind === 'unreachable' ? `no ${formatAddress(report.gateway)}` : report.kind;
}

/** Who in the namespace of the LAN remembers the pod's link address or addresses. */
function remembered(lan: Lan): string[] {
  return ip('-n', lan.lan, 'neighbour', 'show')
    .split('\n')
    .filter(
      (line) => line.includes(podMac) || Object.values(own).some((text) => line.startsWith(`${text} `)),
    );
}

function withGateways(): ProbeRequest['targets'] {
  return bothFamilies.map((family) => ({
    address: parseAddress(own[family]),
    gateway: parseAddress(gateways[family]),
  }));
}

test('on a silent LAN both families are free after about 90 ms, even when the NIC was down', async (t) => {
  using lan = new Lan('pa');
  addNic(lan, lan.pod, podMac);
  const { said, tookMs } = await probe(request(lan));
  t.diagnostic(`${Math.round(tookMs)} ms`);
  assert.equal(said, 'free');
  assert.ok(tookMs >= 90, `${tookMs} ms: as long as three probes and the wait for answers`);
});

for (const family of bothFamilies) {
  test(`a rival with the IPv${family} address is found by its MAC address, and no cache learns our address`, async () => {
    using lan = new Lan(`pb${family}`);
    addNic(lan, lan.pod, podMac);
    addRival(lan);
    ip('-n', lan.lan, 'address', 'add', own[family], 'dev', 'rival', ...(family === 6 ? ['nodad'] : []));
    const { said } = await probe(request(lan, { targets: withGateways() }));
    // The router's namespace answers for every address of its own on each of its links: any of its MACs is a rival's.
    assert.match(said, new RegExp(`^${own[family]} at (?!${podMac})`));
    assert.deepEqual(remembered(lan), []);
  });
}

test('an IPv6 rival is found although the kernel of the pod ignores IPv6 on the NIC', async () => {
  using lan = new Lan('pk');
  addNic(lan, lan.pod, podMac);
  addRival(lan);
  ip('-n', lan.lan, 'address', 'add', own[6], 'dev', 'rival', 'nodad');
  const pod = openNamespace(lan.path(lan.pod));
  pod.setSysctl('ipv6/conf/net1/disable_ipv6', '1');
  pod.close();
  assert.match((await probe(request(lan))).said, new RegExp(`^${own[6]} at `));
});

test('two hosts that probe for one address at the same time never both get it', async () => {
  using lan = new Lan('pc');
  addNic(lan, lan.pod, podMac);
  addNic(lan, lan.lan, rivalMac);
  for (const family of bothFamilies) {
    const targets = [{ address: parseAddress(own[family]) }];
    const said = await Promise.all([
      probe(request(lan, { targets })),
      probe(request(lan, { targets, netns: lan.path(lan.lan) })),
    ]);
    assert.notDeepEqual(
      said.map((each) => each.said),
      ['free', 'free'],
    );
    const macs = said.flatMap((each) => each.said.split(' at ').slice(1));
    assert.ok(
      macs.every((mac) => mac === podMac || mac === rivalMac),
      macs.join(),
    );
  }
});

test('a kernel that probes for the address meanwhile is a rival', async () => {
  using lan = new Lan('pd');
  addNic(lan, lan.pod, podMac);
  addRival(lan);
  const rival = openNamespace(lan.path(lan.lan));
  rival.setSysctl('ipv6/conf/rival/router_solicitation_delay', '0');
  rival.close();
  const probing = probe(request(lan, { deadlineMs: 9000 }));
  await systemClock.sleep(50);
  ip('-n', lan.lan, 'address', 'add', `${own[6]}/64`, 'dev', 'rival');
  assert.equal((await probing).said, `${own[6]} at ${rivalMac}`);
});

test('gateways that answer cost almost no time', async (t) => {
  using lan = new Lan('pe');
  addNic(lan, lan.pod, podMac);
  const both = await probe(request(lan, { targets: withGateways() }));
  t.diagnostic(`${Math.round(both.tookMs)} ms`);
  assert.equal(both.said, 'free');
  // The fastest of three: on a busy machine any of them may have been held up.
  const tookMs: number[] = [];
  for (let i = 0; i < 3; i++) {
    const gatewayOnly = await probe(request(lan, { targets: withGateways(), detectConflict: false }));
    assert.equal(gatewayOnly.said, 'free');
    tookMs.push(gatewayOnly.tookMs);
  }
  assert.ok(Math.min(...tookMs) < 90, `${tookMs.join(', ')} ms`);
});

for (const family of bothFamilies) {
  test(`an IPv${family} gateway that does not answer is named at the deadline`, async () => {
    using lan = new Lan(`pf${family}`);
    addNic(lan, lan.pod, podMac);
    const dead = family === 4 ? '10.6.0.254' : 'fd00:10:6::254';
    const [v4, v6] = withGateways();
    assert.ok(v4 && v6);
    const targets =
      family === 4
        ? [{ ...v4, gateway: parseAddress(dead) }, v6]
        : [v4, { ...v6, gateway: parseAddress(dead) }];
    const { said, tookMs } = await probe(request(lan, { targets }));
    assert.equal(said, `no ${dead}`);
    assert.ok(tookMs >= 300 && tookMs < 5000, `${tookMs} ms`);
  });
}

test('no cache learns our address when only the gateway of one family answers', async () => {
  using lan = new Lan('pl');
  addNic(lan, lan.pod, podMac);
  const [v4, v6] = withGateways();
  assert.ok(v4 && v6);
  const targets = [v4, { ...v6, gateway: parseAddress('fd00:10:6::254') }];
  assert.equal((await probe(request(lan, { targets }))).said, 'no fd00:10:6::254');
  assert.deepEqual(remembered(lan), []);
});

test('a gateway that ignores probes without a sender address is found all the same', async (t) => {
  using lan = new Lan('pm');
  addNic(lan, lan.pod, podMac);
  // As a switch does that inspects ARP (`ip arp inspection validate ip`).
  const strict =
    'table arp strict { chain in { type filter hook input priority 0; arp saddr ip 0.0.0.0 drop; }; }';
  execFileSync('ip', ['netns', 'exec', lan.lan, 'nft', '-f', '-'], { input: strict });
  const { said, tookMs } = await probe(request(lan, { targets: withGateways() }));
  t.diagnostic(`${Math.round(tookMs)} ms`);
  assert.equal(said, 'free');
  assert.ok(tookMs >= 210, `${tookMs} ms: with a name only when there was no other way`);
});

for (const family of bothFamilies) {
  test(`an agent that is too busy to read between its probes finds the answer of an IPv${family} rival`, async () => {
    using lan = new Lan(`po${family}`);
    addNic(lan, lan.pod, podMac);
    addRival(lan);
    ip('-n', lan.lan, 'address', 'add', own[family], 'dev', 'rival', ...(family === 6 ? ['nodad'] : []));
    // The event loop never gets to its sockets.
    const busy: Clock = { ...systemClock, sleep: async (ms) => void Atomics.wait(never, 0, 0, ms) };
    assert.match(words(await probeNic(request(lan), busy)), new RegExp(`^${own[family]} at (?!${podMac})`));
  });
}

test('a rival that answers no probe but announces its address is found by its MAC address', async () => {
  using lan = new Lan('pn');
  addNic(lan, lan.pod, podMac);
  addRival(lan);
  using netns = openNetns(lan.path(lan.lan));
  const socket = new PacketSocket({ netns, dev: 'rival', protocol: 'arp' });
  const probing = probe(request(lan, { deadlineMs: 9000 }));
  await systemClock.sleep(50);
  socket.send(arpAnnouncement(rivalMac, parseAddress(own[4])));
  socket.close();
  assert.equal((await probing).said, `${own[4]} at ${rivalMac}`);
});

test('without a search for rivals the gateway probe has no sender address, so no cache learns ours', async () => {
  using lan = new Lan('pg');
  addNic(lan, lan.pod, podMac);
  const targets = [
    ...withGateways(),
    { address: parseAddress('10.6.0.51'), gateway: parseAddress('10.6.0.254') },
  ];
  const { said } = await probe(request(lan, { targets, detectConflict: false }));
  assert.equal(said, 'no 10.6.0.254');
  assert.deepEqual(remembered(lan), []);
});

test('caches with an old link address are corrected only after the addresses are known to be free', async () => {
  using lan = new Lan('ph');
  addNic(lan, lan.pod, podMac);
  for (const address of Object.values(own)) {
    ip('-n', lan.lan, 'neighbour', 'add', address, 'lladdr', rivalMac, 'nud', 'stale', 'dev', 'br0');
  }
  let isDone = false;
  const probing = probe(request(lan)).finally(() => {
    isDone = true;
  });
  // The first announcement is sent in the turn of the event loop that ends the probes.
  for (; !isDone; await systemClock.sleep(20)) {
    assert.ok(
      remembered(lan).every((line) => line.includes(rivalMac)),
      'while it goes on',
    );
  }
  assert.equal((await probing).said, 'free');
  for (let tries = 0; tries < 1500 && remembered(lan).some((line) => line.includes(rivalMac)); tries++) {
    await systemClock.sleep(20);
  }
  const lines = remembered(lan);
  assert.equal(lines.length, 2);
  assert.ok(
    lines.every((line) => line.includes(podMac)),
    lines.join('\n'),
  );
});

test('on a NIC without carrier the result is unknown, and a missing NIC is left out', async () => {
  using lan = new Lan('pi');
  ip('-n', lan.pod, 'link', 'add', 'net1', 'type', 'veth', 'peer', 'name', 'far');
  const report = await probeNic(request(lan), systemClock);
  assert.equal(report.kind, 'unheard');
  assert.match(
    String('refusal' in report && (report.refusal as Error).message),
    /^link net1 has no carrier$/,
  );
  assert.equal((await probe(request(lan, { nic: 'net2' }))).said, 'absent');
  assert.equal((await probe(request(lan, { nic: 'lo' }))).said, 'absent');
});

test('a caller that leaves ends the probes', async () => {
  using lan = new Lan('pj');
  addNic(lan, lan.pod, podMac);
  const signal = AbortSignal.timeout(30);
  await assert.rejects(probe(request(lan, { deadlineMs: 5000, signal })), { name: 'TimeoutError' });
});
