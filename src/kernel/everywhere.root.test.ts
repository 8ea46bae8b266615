// Events of a node and of its pods through one socket, and what of them never wakes anybody.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createNetns,
  driftFilter,
  monitorNetns,
  NamespaceIds,
  type NetnsHandle,
  type NetworkEvent,
  type NetworkMonitor,
  primeThreads,
  removeNetns,
} from './index.ts';

const nodeName = `ow-ewn-${process.pid}`;
const podName = `ow-ewp-${process.pid}`;
let node: NetnsHandle;
let pod: NetnsHandle;
let ids: NamespaceIds;
let monitor: NetworkMonitor;
let events: { event: NetworkEvent; from: number | undefined }[];

function ip(namespace: string, ...words: string[]): void {
  execFileSync('ip', ['-n', namespace, ...words]);
}

function nft(namespace: string, command: string): void {
  execFileSync('ip', ['netns', 'exec', namespace, 'nft', command]);
}

async function until(seen: (event: NetworkEvent, from: number | undefined) => boolean): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (events.some(({ event, from }) => seen(event, from))) return;
    await sleep(10);
  }
  assert.fail(`not among ${events.map(({ event, from }) => `${event.kind}/${from}`).join(' ')}`);
}

before(primeThreads);
beforeEach(() => {
  node = createNetns(`/run/netns/${nodeName}`);
  pod = createNetns(`/run/netns/${podName}`);
  ids = new NamespaceIds(node);
  events = [];
  ip(nodeName, 'link', 'add', 'vnode', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', podName);
  ip(nodeName, 'link', 'set', 'vnode', 'up');
  for (const words of ['link set veth0 up', 'address add 10.6.0.2/24 dev veth0']) {
    ip(podName, ...words.split(' '));
  }
  monitor = monitorNetns(
    node,
    ['link', 'address', 'route', 'rule', 'neighbour', 'configuration', 'ruleset'],
    (event, from) => events.push({ event, from }),
    { everywhere: true, filter: driftFilter },
  );
});
afterEach(() => {
  monitor.close();
  ids.close();
  for (const [handle, name] of [
    [node, nodeName],
    [pod, podName],
  ] as const) {
    handle.close();
    removeNetns(`/run/netns/${name}`);
  }
});

const damages: readonly (readonly [kind: string, make: string, undo: string])[] = [
  ['route', 'route add 10.9.0.0/16 via 10.6.0.1 proto 79', 'route del 10.9.0.0/16'],
  ['route', 'route add 10.9.0.0/16 dev veth0 table 101 proto 79', 'route del 10.9.0.0/16 table 101'],
  ['route', 'route add default via 10.6.0.1', 'route del default'],
  ['route', 'route add 10.8.0.0/16 via 10.6.0.1', 'route del 10.8.0.0/16'],
  ['rule', 'rule add pref 1000 lookup 100 protocol 79', 'rule del pref 1000'],
  [
    'neighbour',
    'neighbour add 10.6.0.9 dev veth0 lladdr 02:00:00:00:00:09 nud permanent proto 79',
    'neighbour del 10.6.0.9 dev veth0',
  ],
  ['address', 'address add 10.7.0.2/24 dev veth0', 'address del 10.7.0.2/24 dev veth0'],
];

for (const [kind, make, undo] of damages) {
  test(`"ip ${undo}" in a pod and on the node causes an event with its namespace`, async () => {
    const id = ids.of(pod.fd);
    for (const [name, from] of [
      [podName, id],
      [nodeName, undefined],
    ] as const) {
      const words = (line: string) => (name === nodeName ? line.replace('veth0', 'vnode') : line).split(' ');
      if (name === nodeName) ip(nodeName, 'address', 'replace', '10.6.0.3/24', 'dev', 'vnode');
      ip(name, ...words(make));
      events = [];
      ip(name, ...words(undo));
      await until((event, there) => event.kind === kind && 'gone' in event && event.gone && there === from);
    }
  });
}

test('an nftables transaction causes one event for all its changes, and rp_filter causes one too', async () => {
  const id = ids.of(pod.fd);
  nft(podName, 'add table inet orbweaver; add chain inet orbweaver a; add rule inet orbweaver a accept');
  await sleep(50);
  events = [];
  nft(podName, 'flush table inet orbweaver');
  await until((event, from) => event.kind === 'ruleset' && from === id);
  events = [];
  nft(podName, 'delete table inet orbweaver');
  await until((event, from) => event.kind === 'ruleset' && from === id);
  const many = Array.from({ length: 500 }, (_, i) => `add table ip t${i}`).join('; ');
  events = [];
  nft(podName, many);
  await until((event) => event.kind === 'ruleset');
  assert.equal(events.filter(({ event }) => event.kind === 'ruleset').length, 1);
  const loose = 'echo 2 >/proc/sys/net/ipv4/conf/veth0/rp_filter';
  execFileSync('ip', ['netns', 'exec', podName, 'sh', '-c', loose]);
  await until((event, from) => event.kind === 'configuration' && event.dev.startsWith('if') && from === id);
});

test('changes of irrelevant neighbours and routes cause no event', async () => {
  await sleep(100);
  events = [];
  for (const words of [
    'neighbour add 10.6.0.8 dev veth0 lladdr 02:00:00:00:00:08 nud reachable',
    'neighbour del 10.6.0.8 dev veth0',
    'route add 10.5.0.0/16 via 10.6.0.1 proto bird',
    'route del 10.5.0.0/16',
    'route add 10.5.0.0/16 via 10.6.0.1 table 77',
    'route del 10.5.0.0/16 table 77',
  ]) {
    ip(podName, ...words.split(' '));
  }
  // What comes last proves that what came before was not told.
  ip(podName, 'rule', 'add', 'pref', '7', 'lookup', '7');
  await until((event) => event.kind === 'rule');
  assert.deepEqual(
    events.filter(({ event }) => event.kind === 'neighbour' || event.kind === 'route'),
    [],
  );
});

test('a namespace without a link to the node gets an id of its own', async () => {
  const name = `ow-ewo-${process.pid}`;
  const other = createNetns(`/run/netns/${name}`);
  try {
    const id = ids.of(other.fd);
    assert.equal(ids.of(other.fd), id);
    assert.notEqual(ids.of(pod.fd), id);
    ip(name, 'rule', 'add', 'pref', '7', 'lookup', '7');
    await until((event, from) => event.kind === 'rule' && from === id);
  } finally {
    other.close();
    removeNetns(`/run/netns/${name}`);
  }
});
