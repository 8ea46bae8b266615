// Parent interfaces on a real kernel; where it has no VLANs or bonds, the error says so.

import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { isOrbError } from '#base';
import { openNamespace, primeThreads } from '#kernel';
import { desiredParent, type ParentConf, parentProblems } from '#plan/parent';
import { ip, Lan } from './lan-fixture.ts';
import { applyParent, observeParents } from './parent.ts';

before(primeThreads);

/** Brings a node with two spare NICs there; false where the kernel lacks the kind, which has then been checked. */
function bring(t: TestContext, lan: Lan, conf: ParentConf, lacking: RegExp): boolean {
  for (const [name, peer] of [
    ['eth1', 'far1'],
    ['eth2', 'far2'],
  ] as const) {
    ip('-n', lan.node, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peer);
    ip('-n', lan.node, 'link', 'set', peer, 'up');
    ip('-n', lan.node, 'link', 'set', name, 'up');
  }
  const node = openNamespace(lan.path(lan.node));
  const desired = desiredParent(conf);
  try {
    assert.deepEqual(applyParent(desired, node), []);
    assert.deepEqual(applyParent(desired, node), []);
    assert.deepEqual(parentProblems(desired, observeParents(node)), []);
    return true;
  } catch (error) {
    if (!isOrbError(error, 'KERNEL_LACKS')) throw error;
    assert.match(error.message, lacking);
    assert.ok(node.link('eth1')?.up === true && node.link('eth2')?.up === true, 'no port was touched');
    t.diagnostic(error.message);
    return false;
  } finally {
    node.close();
  }
}

test('a VLAN is on the node, or the error says that the kernel has none', (t) => {
  using lan = new Lan('va');
  const conf = { interfaces: ['eth1'], vlanID: 100 };
  const lacking = /no links of type vlan \(module 8021q\): eth1\.100 cannot be made/;
  if (!bring(t, lan, conf, lacking)) return;
  assert.match(ip('-n', lan.node, '-d', 'link', 'show', 'eth1.100'), /vlan protocol 802\.1Q id 100/);
});

test('a bond is on the node with its ports and options, or the error says that the kernel has none', (t) => {
  using lan = new Lan('vb');
  const bond = {
    name: 'bond7',
    mode: 1,
    options: 'miimon=100;primary=eth2;active_slave=eth1;num_grat_arp=2',
  };
  const conf = { interfaces: ['eth1', 'eth2'], vlanID: 0, bond };
  const lacking = /no links of type bond \(module bonding\): bond7 cannot be made/;
  if (!bring(t, lan, conf, lacking)) return;
  const shown = ip('-n', lan.node, '-d', 'link', 'show', 'bond7');
  assert.match(shown, /mode active-backup .*miimon 100 .*primary eth2/);
  assert.match(ip('-n', lan.node, 'link', 'show', 'master', 'bond7'), /eth1.*eth2/s);
});
