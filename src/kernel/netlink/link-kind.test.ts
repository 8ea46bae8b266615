// Links of every kind as bytes, against what iproute2 sends for them (strace of `ip link add`).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkKind } from '#net';
import { Attributes } from './attributes.ts';
import { createLink } from './link.ts';

const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;

/** IFLA_INFO_DATA as hexadecimal text, and the parent's index. */
function encoded(type: LinkKind): { data: string; parent: number | undefined } {
  const request = createLink({ name: 'x0', type }, (name) => (name === 'eth0' ? 7 : assert.fail(name)));
  const attributes = new Attributes(request.body.subarray(16));
  const info = attributes.nested(IFLA_LINKINFO);
  assert.equal(info?.text(1), type.kind);
  return { data: Buffer.from(info?.bytes(2) ?? []).toString('hex'), parent: attributes.u32(IFLA_LINK) };
}

test('an ipvlan has its parent and a mode of 16 bits', () => {
  const golden = { data: '0600010001000000', parent: 7 };
  assert.deepEqual(encoded({ kind: 'ipvlan', parent: 'eth0', mode: 'l3' }), golden);
});

test('a VLAN has its parent and an id of 16 bits', () => {
  assert.deepEqual(encoded({ kind: 'vlan', parent: 'eth0', vlanId: 100 }), {
    data: '0600010064000000',
    parent: 7,
  });
});

test('a VLAN with a loose binding has this flag, and the mask of it', () => {
  const type = { kind: 'vlan', parent: 'eth0', vlanId: 100, looseBinding: true } as const;
  // ID 100; FLAGS 4 of 4
  assert.equal(encoded(type).data, '0600010064000000' + '0c0002000400000004000000');
});

test('a macvlan has its parent and a mode of 32 bits', () => {
  const golden = { data: '0800010004000000', parent: 7 };
  assert.deepEqual(encoded({ kind: 'macvlan', parent: 'eth0', mode: 'bridge' }), golden);
});

test('a dummy has no attributes', () => {
  assert.deepEqual(encoded({ kind: 'dummy' }), { data: '', parent: undefined });
});

test('a bond has a mode and options, by word or by number', () => {
  const type = {
    kind: 'bond',
    mode: 4,
    options: { lacp_rate: 'fast', miimon: 100, xmit_hash_policy: 1 },
  } as const;
  // mode 4; AD_LACP_RATE 1; MIIMON 100; XMIT_HASH_POLICY 1
  const golden = '0500010004000000' + '0500150001000000' + '0800030064000000' + '05000e0001000000';
  assert.equal(encoded(type).data, golden);
});

test('a bond option that names a link, a MAC address or targets is encoded as such', () => {
  const options = {
    primary: 'eth0',
    ad_actor_system: '02:00:00:00:00:0a',
    arp_ip_target: '["10.6.0.1","10.6.0.2"]',
    ad_user_port_key: 1023,
    up_delay: 200,
  };
  // mode 1; PRIMARY 7; AD_ACTOR_SYSTEM; ARP_IP_TARGET nested 0 and 1; AD_USER_PORT_KEY; UPDELAY
  const golden =
    '0500010001000000' +
    '08000b0007000000' +
    '0a001a00020000000' +
    '00a0000' +
    '140008800800000' +
    '00a060001' +
    '080001000a060002' +
    '06001900ff030000' +
    '08000400c8000000';
  assert.equal(encoded({ kind: 'bond', mode: 1, options }).data, golden);
});

test('an unknown bond option is refused with a list of the known ones', () => {
  const wrong = (options: Record<string, string | number>) => () =>
    encoded({ kind: 'bond', mode: 1, options });
  assert.throws(wrong({ speed: 1 }), /invalid bond option speed=1; allowed: active_slave, miimon/);
  assert.throws(
    wrong({ lacp_rate: 'quick' }),
    /invalid bond option lacp_rate=quick; allowed: slow, fast, or a whole number/,
  );
});

test('a VXLAN has its port in network byte order and its parent in its own data', () => {
  const type = { kind: 'vxlan', vni: 42, port: 4789, parent: 'eth0', learning: false } as const;
  // ID 42; LEARNING 0; PORT 0x12b5; LINK 7
  const golden = '080001002a000000' + '0500070000000000' + '06000f0012b50000' + '0800030007000000';
  assert.deepEqual(encoded(type), { data: golden, parent: undefined });
});
