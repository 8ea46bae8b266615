// Parent interfaces on a real kernel; where it has no VLANs or bonds, the error says so.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { primeThreads } from '#kernel';
import { desiredParent, type ParentConf, parentProblems } from '#plan/parent';
import { lackingParts, needs } from '../../test/uml/kernel-part.ts';
import { applyParent, observeParents } from './parent.ts';
import { SpareNics } from './spare-nics-fixture.ts';

before(primeThreads);

class Site extends SpareNics {
  /** Brings the node there, as one ADD; what it noted, and what CHECK would say after it. */
  bring(conf: ParentConf): { notes: readonly string[]; problems: readonly string[] } {
    return this.with((node) => {
      const desired = desiredParent(conf);
      const notes = applyParent(desired, node);
      return { notes, problems: parentProblems(desired, observeParents(node)) };
    });
  }

  /** The links of the node: all that lasts of them. */
  links(): object[] {
    return this.with((node) => node.links().map(({ up: _, carrier: __, ...lasting }) => lasting));
  }
}

const well = { notes: [], problems: [] };
const vlan: ParentConf = { interfaces: ['eth1'], vlanID: 100 };
const bonded = (options = '', more: Partial<ParentConf> = {}): ParentConf => ({
  interfaces: ['eth1', 'eth2'],
  vlanID: 0,
  bond: { name: 'bond7', mode: 1, options },
  ...more,
});

for (const [kind, conf, message] of [
  ['vlan', vlan, /no links of type vlan: load its module 8021q with `modprobe 8021q`, so that eth1\.100 can/],
  [
    'bond',
    bonded(),
    /no links of type bond: load its module bonding with `modprobe bonding`, so that bond7 can/,
  ],
] as const) {
  if (lackingParts([kind]).length === 0) continue;
  test(`on a kernel without links of type ${kind} ADD fails with an error that says so, and changes nothing`, () => {
    using site = new Site('vn');
    const before = site.links();
    assert.throws(() => site.bring(conf), { code: 'KERNEL_LACKS', message });
    assert.deepEqual(site.links(), before);
  });
}

describe('a VLAN', needs('vlan'), () => {
  test('is made on the node, and a second ADD changes nothing', () => {
    using site = new Site('va');
    assert.deepEqual(site.bring(vlan), well);
    const made = site.links();
    assert.match(
      site.ip('-d', 'link', 'show', 'eth1.100'),
      /eth1\.100@eth1: <[^>]*UP.* vlan protocol 802\.1Q id 100 .*alias orbweaver parent interface/s,
    );
    assert.deepEqual(site.bring(vlan), well);
    assert.deepEqual(site.links(), made);
  });

  test('of another program is used as it is, and only set up', () => {
    using site = new Site('vf');
    site.ip('link', 'add', 'link', 'eth1', 'name', 'eth1.100', 'mtu', '1400', 'type', 'vlan', 'id', '100');
    assert.deepEqual(site.bring(vlan), well);
    const shown = site.ip('-d', 'link', 'show', 'eth1.100');
    assert.match(shown, /UP.* mtu 1400 .* vlan protocol 802\.1Q id 100/s);
    assert.doesNotMatch(shown, /alias/);
  });

  test('is refused when its id has another name, or its name has another id', () => {
    using site = new Site('vt');
    site.ip('link', 'add', 'link', 'eth1', 'name', 'storage', 'type', 'vlan', 'id', '100');
    site.ip('link', 'add', 'link', 'eth2', 'name', 'eth2.100', 'type', 'vlan', 'id', '101');
    const before = site.links();
    assert.throws(() => site.bring(vlan), {
      code: 'PARENT_LINK_UNUSABLE',
      message: /storage exists, eth1\.100 is requested/,
    });
    const wrong = { ...vlan, interfaces: ['eth2'] };
    assert.throws(() => site.bring(wrong), { message: 'interface eth2.100 has VLAN 101, not 100' });
    assert.deepEqual(site.links(), before);
  });
});

describe('a bond', needs('bond', 'vlan', 'dummy'), () => {
  test('is made on the node with its ports, its options and its VLAN, and a second ADD changes nothing', () => {
    using site = new Site('vb');
    const conf = bonded('miimon=100;primary=eth2;active_slave=eth1;num_grat_arp=2', { vlanID: 7 });
    assert.deepEqual(site.bring(conf), well);
    assert.match(
      site.ip('-d', 'link', 'show', 'bond7'),
      /UP.*mode active-backup active_slave eth1 miimon 100 .*primary eth2 .*num_grat_arp 2/s,
    );
    assert.match(site.ip('link', 'show', 'master', 'bond7'), /eth1.*UP.*eth2.*UP/s);
    assert.match(site.ip('-d', 'link', 'show', 'bond7.7'), /UP.*vlan protocol 802\.1Q id 7/s);
    const made = site.links();
    assert.deepEqual(site.bring(conf), well);
    assert.deepEqual(site.links(), made);
  });

  test('is completed when it lacks a port, its link state or its VLAN', () => {
    using site = new Site('vh');
    const conf = bonded('miimon=100', { vlanID: 7 });
    site.bring(conf);
    for (const damage of ['link set eth2 nomaster', 'link set bond7 down', 'link delete bond7.7']) {
      site.ip(...damage.split(' '));
      assert.deepEqual(site.bring(conf), well, damage);
      assert.match(site.ip('link', 'show', 'master', 'bond7'), /eth1.*UP.*eth2.*UP/s, damage);
    }
  });

  test('whose active port has no cable goes up, and the log says that the bond chooses the port itself', () => {
    using site = new Site('vd');
    site.ip('link', 'set', 'far1', 'down');
    const notes = ['bond bond7 chooses its active port itself: eth1 has no link yet'];
    const conf = bonded('miimon=100;active_slave=eth1');
    assert.deepEqual(site.bring(conf), { notes, problems: [] });
    assert.match(site.ip('link', 'show', 'bond7'), /[<,]UP[,>]/);
    assert.deepEqual(site.bring(conf), well);
  });

  test('of another program is used as it is, and the log says so: its ports stay', () => {
    using site = new Site('vg');
    site.ip('link', 'add', 'bond7', 'type', 'bond', 'mode', '802.3ad');
    site.ip('link', 'add', 'd0', 'master', 'bond7', 'type', 'dummy');
    const notes = [
      'bond bond7 belongs to another program and is used as it is; it lacks the ports eth1, eth2; its mode is 4, not 1',
    ];
    const before = site.links();
    assert.deepEqual(site.bring(bonded()), { notes, problems: [] });
    assert.match(site.ip('link', 'show', 'bond7'), /[<,]UP[,>]/);
    assert.deepEqual(site.links(), before);
  });

  test('takes no interface from a bridge or another bond, and none with an address of the node', () => {
    using site = new Site('vi');
    site.ip('link', 'add', 'br0', 'type', 'bridge');
    site.ip('link', 'set', 'eth1', 'master', 'br0');
    const before = site.links();
    assert.throws(() => site.bring(bonded()), { message: 'interface eth1 is a port of br0 already' });
    const carrying = bonded('', { interfaces: ['eth2', 'eth0'] });
    assert.throws(() => site.bring(carrying), { message: /^interface eth0 has address 10\.6\.212\.101\/16/ });
    assert.deepEqual(site.links(), before);
  });

  test('is made again by the next ADD after a reboot', async () => {
    const conf = bonded('miimon=100;xmit_hash_policy=layer2+3', { vlanID: 7 });
    const shown: string[][] = [];
    for (const name of ['vr', 'vs']) {
      using site = new Site(name);
      assert.deepEqual(site.bring(conf), well);
      const links = () =>
        ['bond7', 'bond7.7', 'eth1', 'eth2'].map((link) => site.ip('-d', 'link', 'show', link));
      // The bond looks at its ports every 100 ms, and the kernel tells of carriers once a second.
      for (let i = 0; i < 300 && links().some((text) => /NO-CARRIER|mii_status DOWN/.test(text)); i++)
        await sleep(100);
      shown.push(
        links().map((text) => text.replaceAll(/^\d+: |([0-9a-f]{2}:){5}[0-9a-f]{2}|state \S+/gm, '')),
      );
    }
    assert.deepEqual(shown[0], shown[1]);
  });
});
