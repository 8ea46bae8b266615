import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { parseCidr } from '#ip';
import type { NetworkChange } from '#net';
import { FakeNamespace } from '#net/testing';
import { desiredParent, type ParentConf } from './desired.ts';
import { PARENT_ALIAS, parentProblems, planParent } from './parent.ts';

let node: FakeNamespace;

beforeEach(() => {
  node = new FakeNamespace();
  for (const name of ['eth1', 'eth2', 'eth3']) node.addLink({ name, mac: '02:00:00:00:00:01', up: true });
});

const observed = () => ({ links: node.links(), addresses: node.addresses() });

function conf(changes: Partial<ParentConf> = {}): ParentConf {
  return { interfaces: ['eth1'], vlanID: 0, ...changes };
}

function bondConf(options = '', changes: Partial<ParentConf> = {}): ParentConf {
  return conf({ interfaces: ['eth1', 'eth2'], bond: { name: 'bond0', mode: 1, options }, ...changes });
}

/** Plans and applies; what was done, in words. */
function bring(to: ParentConf): { done: string[][]; notes: readonly string[] } {
  const { stages, optional, notes } = planParent(desiredParent(to), observed());
  const all = [...stages, ...optional.map(({ change }) => [change])];
  for (const stage of all) node.change(stage);
  return { done: all.map((stage) => stage.map(words)), notes };
}

function words(change: NetworkChange): string {
  if (change.kind !== 'link' || change.verb === 'delete') return change.verb;
  const { name, ...rest } = change.link;
  return `${change.verb} ${name} ${JSON.stringify('type' in rest ? rest.type : rest)}`;
}

const enslaved = (port: string) => [
  `set ${port} {"up":false}`,
  `set ${port} {"master":"bond0"}`,
  `set ${port} {"up":true}`,
];
const alias = `{"alias":"${PARENT_ALIAS}"}`;

test('one interface without VLAN, and several without bond, are not changed', () => {
  assert.deepEqual(bring(conf()).done, []);
  assert.deepEqual(bring(conf({ interfaces: ['eth1', 'eth2'], vlanID: 100 })).done, []);
});

test('a VLAN is made once on its parent, which is set up first', () => {
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth1', up: false } }]);
  assert.deepEqual(bring(conf({ vlanID: 100 })).done, [
    ['set eth1 {"up":true}'],
    [
      'create eth1.100 {"kind":"vlan","parent":"eth1","vlanId":100}',
      `set eth1.100 ${alias}`,
      'set eth1.100 {"up":true}',
    ],
  ]);
  assert.deepEqual(bring(conf({ vlanID: 100 })).done, []);
  assert.deepEqual(parentProblems(desiredParent(conf({ vlanID: 100 })), observed()), []);
});

test('a VLAN that is down is set up again, whoever made it', () => {
  bring(conf({ vlanID: 100 }));
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth1.100', up: false, alias: 'mine' } }]);
  assert.deepEqual(parentProblems(desiredParent(conf({ vlanID: 100 })), observed()), [
    'vlan interface eth1.100 is down',
  ]);
  assert.deepEqual(bring(conf({ vlanID: 100 })).done, [['set eth1.100 {"up":true}']]);
});

test('two parents may have the same VLAN id, and one parent has it under one name only', () => {
  bring(conf({ vlanID: 100 }));
  bring(conf({ interfaces: ['eth2'], vlanID: 100 }));
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth1.100', newName: 'storage' } }]);
  assert.throws(() => bring(conf({ vlanID: 100 })), {
    code: 'PARENT_LINK_UNUSABLE',
    message:
      /^cannot have multiple different vlan interfaces with the same vlanId 100 on node at the same time: storage exists, eth1\.100 is requested/,
  });
});

test('a name that another interface uses is refused', () => {
  node.addLink({ name: 'eth1.7', kind: 'dummy' });
  node.addLink({ name: 'eth2.7', kind: 'vlan', vlanId: 8, linkIndex: node.link('eth2')?.index ?? 0 });
  node.addLink({ name: 'eth3.7', kind: 'vlan', vlanId: 7, linkIndex: node.link('eth2')?.index ?? 0 });
  node.addLink({ name: 'bond0', kind: 'bridge' });
  for (const [asked, message] of [
    [conf({ vlanID: 7 }), /^a non-vlan type interface named eth1\.7 already exists on the host$/],
    [conf({ interfaces: ['eth2'], vlanID: 7 }), /^interface eth2\.7 has VLAN 8, not 7$/],
    [
      conf({ interfaces: ['eth3'], vlanID: 7 }),
      /^interface eth3\.7 is a VLAN on another interface than eth3$/,
    ],
    [bondConf(), /^a non-bond type interface named bond0 already exists on the host$/],
    [conf({ interfaces: ['eth9'], vlanID: 7 }), /^interface eth9 is not on the node$/],
  ] as const) {
    assert.throws(() => bring(asked), { code: 'PARENT_LINK_UNUSABLE', message });
  }
});

test('a bond is made with its options, then its ports join, then it goes up, then its VLAN is made', () => {
  const asked = bondConf('miimon=100; xmit_hash_policy=layer3+4;up_delay=200', { vlanID: 5 });
  assert.deepEqual(bring(asked).done, [
    [
      'create bond0 {"kind":"bond","mode":1,"options":{"miimon":100,"xmit_hash_policy":1,"updelay":200}}',
      `set bond0 ${alias}`,
    ],
    enslaved('eth1'),
    enslaved('eth2'),
    ['set bond0 {"up":true}'],
    [
      'create bond0.5 {"kind":"vlan","parent":"bond0","vlanId":5}',
      `set bond0.5 ${alias}`,
      'set bond0.5 {"up":true}',
    ],
  ]);
  assert.deepEqual(bring(asked).done, []);
  assert.deepEqual(parentProblems(desiredParent(asked), observed()), []);
});

test('the active port is set last, and not again when the bond may have chosen another', () => {
  const asked = bondConf('active_slave=eth2;primary=eth1');
  assert.deepEqual(bring(asked).done.slice(-2), [
    ['set bond0 {"up":true}'],
    ['set bond0 {"bondOptions":{"active_slave":"eth2"}}'],
  ]);
  assert.deepEqual(bring(asked).done, []);
});

test('a bond without name is sp_bond0, as in Spiderpool', () => {
  bring(bondConf('', { bond: { name: '', mode: 0, options: '' } }));
  assert.equal(node.link('sp_bond0')?.bondMode, 0);
});

test('an incomplete bond of ours is completed', () => {
  bring(bondConf());
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth2', master: null } }]);
  node.change([{ verb: 'set', kind: 'link', link: { name: 'bond0', up: false } }]);
  assert.deepEqual(parentProblems(desiredParent(bondConf()), observed()), [
    'bond interface bond0 is down',
    'interface eth2 is not a port of bond bond0',
  ]);
  assert.deepEqual(bring(bondConf()).done, [enslaved('eth2'), ['set bond0 {"up":true}']]);
});

test('a bond of another program is used as it is, and a note says so', () => {
  node.addLink({ name: 'bond0', kind: 'bond', bondMode: 4, up: false });
  assert.deepEqual(bring(bondConf()), {
    done: [['set bond0 {"up":true}']],
    notes: [
      'bond bond0 belongs to another program and is used as it is; it lacks the ports eth1, eth2; its mode is 4, not 1',
    ],
  });
  assert.equal(node.link('eth1')?.masterIndex, undefined);
});

test('the mode of our bond is not changed under the pods that use it', () => {
  bring(bondConf());
  assert.throws(() => bring(bondConf('', { bond: { name: 'bond0', mode: 4, options: '' } })), {
    message: 'bond bond0 has mode 1, not 4: delete it, or choose another bond.name',
  });
});

test('interfaces that others use do not become ports of a bond', () => {
  const bridge = node.addLink({ name: 'br0', kind: 'bridge' });
  node.change([{ verb: 'set', kind: 'link', link: { name: 'eth1', master: 'br0' } }]);
  assert.equal(node.link('eth1')?.masterIndex, bridge.index);
  assert.throws(() => bring(bondConf()), { message: 'interface eth1 is a port of br0 already' });
  const address = { dev: 'eth3', address: parseCidr('10.6.0.9/16'), scope: 'global' } as const;
  node.change([{ verb: 'create', kind: 'address', address }]);
  assert.throws(() => bring(bondConf('', { interfaces: ['eth2', 'eth3'] })), {
    message: /^interface eth3 has address 10\.6\.0\.9\/16: a port of bond bond0 cannot keep it/,
  });
  assert.throws(() => bring(bondConf('', { interfaces: ['eth2', 'eth9'] })), {
    message: 'interface eth9, a port of bond bond0, is not on the node',
  });
});

test('options are read by their kernel names and checked', () => {
  const options = (text: string) => desiredParent(bondConf(text)).bond?.options;
  assert.deepEqual(options('lacp_rate=fast;ad_select=2;num_grat_arp=3;ad_actor_system=02:00:00:00:00:0A'), {
    lacp_rate: 1,
    ad_select: 2,
    num_peer_notif: 3,
    ad_actor_system: '02:00:00:00:00:0a',
  });
  assert.deepEqual(options('arp_ip_target=["10.6.0.1", "10.6.0.2"];arp_validate=all;miimon=0;'), {
    arp_ip_target: '10.6.0.1,10.6.0.2',
    arp_validate: 3,
    miimon: 0,
  });
  for (const [text, message] of [
    ['miimon', /^bond\.options: "miimon" is not of the form key=value$/],
    ['speed=1', /^invalid bond option speed=1; allowed: active_slave, miimon, /],
    ['miimon=-1', /^invalid bond option miimon=-1; allowed: a whole number below 2\^32$/],
    ['lacp_rate=quick', /allowed: slow, fast, or a whole number/],
    ['arp_ip_target=fd00::1', /allowed: IPv4 addresses$/],
    ['ad_actor_system=1', /allowed: a MAC address$/],
    ['primary=a/b', /allowed: the name of a port$/],
  ] as const) {
    assert.throws(() => options(text), { code: 'INPUT_INVALID', message });
  }
});

test('a VLAN interface with a name that the kernel would refuse is refused', () => {
  assert.throws(() => desiredParent(conf({ interfaces: ['enp0s31f6abcde'], vlanID: 4094 })), {
    message: /enp0s31f6abcde\.4094 would have a name of 19 characters; the kernel allows 15/,
  });
});
