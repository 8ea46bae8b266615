// Every option of a bond reaches the kernel under its own name, as its files in sysfs say.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { bondOptions, readBondOption } from '#net';
import { desiredParent } from '#plan/parent';
import { needs } from '../../test/uml/kernel-part.ts';
import { applyParent } from './parent.ts';
import { SpareNics } from './spare-nics-fixture.ts';

before(primeThreads);

/** What is asked for of a bond in each mode, and what its file says: the words of bonding.rst where the kernel has them. */
const asked: readonly {
  mode: number;
  options: Readonly<Record<string, readonly [given: string, told: string]>>;
}[] = [
  {
    mode: 0,
    options: {
      packets_per_slave: ['4', '4'],
      resend_igmp: ['4', '4'],
      num_grat_arp: ['2', '2'],
      miimon: ['100', '100'],
      up_delay: ['200', '200'],
    },
  },
  {
    mode: 1,
    options: {
      miimon: ['100', '100'],
      downdelay: ['300', '300'],
      peer_notif_delay: ['400', '400'],
      use_carrier: ['0', '0'],
      primary: ['eth2', 'eth2'],
      primary_reselect: ['failure', 'failure 2'],
      active_slave: ['eth1', 'eth1'],
      fail_over_mac: ['active', 'active 1'],
      num_peer_notif: ['3', '3'],
      all_slaves_active: ['1', '1'],
    },
  },
  {
    mode: 1,
    options: {
      arp_interval: ['1000', '1000'],
      arp_ip_target: ['["10.6.0.1","10.6.0.2"]', '10.6.0.1 10.6.0.2'],
      arp_validate: ['filter_active', 'filter_active 5'],
      arp_all_targets: ['all', 'all 1'],
    },
  },
  {
    mode: 4,
    options: {
      lacp_rate: ['fast', 'fast 1'],
      ad_select: ['bandwidth', 'bandwidth 1'],
      ad_actor_sys_prio: ['1000', '1000'],
      ad_actor_system: ['02:00:00:00:00:07', '02:00:00:00:00:07'],
      ad_user_port_key: ['5', '5'],
      xmit_hash_policy: ['layer3+4', 'layer3+4 1'],
      min_links: ['2', '2'],
    },
  },
  { mode: 5, options: { tlb_dynamic_lb: ['0', '0'], lp_interval: ['7', '7'] } },
];

/** Options whose file has another name (bond_sysfs.c). */
const files: Readonly<Record<string, string>> = { up_delay: 'updelay', num_peer_notif: 'num_grat_arp' };
const fileOf = (name: string) => files[name] ?? name;

test('the table contains every option of the kernel', () => {
  const names = asked.flatMap(({ options }) =>
    Object.entries(options).map(([name, [given]]) => readBondOption(name, given).name),
  );
  assert.deepEqual(
    [...bondOptions.keys()].filter((name) => !names.includes(name)),
    [],
  );
});

for (const { mode, options } of asked) {
  const names = Object.keys(options);
  test(`a bond of mode ${mode} has its ${names.join(', ')}`, needs('bond'), () => {
    using site = new SpareNics(`bo${mode}`);
    const text = Object.entries(options).map(([name, [given]]) => `${name}=${given}`);
    const bond = { name: 'bond7', mode, options: text.join(';') };
    site.with((node) => applyParent(desiredParent({ interfaces: ['eth1', 'eth2'], vlanID: 0, bond }), node));
    const told = site.shell(`cd /sys/class/net/bond7/bonding && cat ${names.map(fileOf).join(' ')}`);
    const expected = Object.values(options).map(([, said]) => `${said}\n`);
    assert.equal(told, expected.join(''), names.join(', '));
  });
}
