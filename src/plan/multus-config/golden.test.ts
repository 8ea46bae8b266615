// The configuration of each cniType as text. Spiderpool writes the same, except for the coordinator's defaults.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type NetConf,
  parseCoordinatorConf,
  parseEniVlanConf,
  parseIfacerConf,
  parseNetConf,
  parseNetConfList,
  parseSpiderpoolIpam,
} from '#api';
import { rendered } from './config-fixture.ts';

const ippools = { ipv4: ['p4'], ipv6: ['p6'] };
const ipam = '"ipam":{"type":"spiderpool","default_ipv4_ippool":["p4"],"default_ipv6_ippool":["p6"]}';
const coordinator = '{"type":"coordinator"}';
const bond = { name: 'bond0', mode: 1, options: 'miimon=100' };
const bondText = '"bond":{"name":"bond0","mode":1,"options":"miimon=100"}';

const parsers: Readonly<Record<string, (conf: NetConf) => unknown>> = {
  coordinator: parseCoordinatorConf,
  'eni-vlan': parseEniVlanConf,
  ifacer: parseIfacerConf,
};

/** Multus and our own plugins can read the text too. */
function assertGolden(spec: object, plugins: readonly string[]): void {
  const { config = '' } = rendered(spec).spec ?? {};
  assert.equal(config, `{"cniVersion":"0.3.1","name":"net","plugins":[${plugins.join(',')}]}`);
  const list = parseNetConfList(config, { subject: 'golden text' });
  for (const plugin of list.plugins) {
    const conf = parseNetConf(JSON.stringify({ ...plugin, name: list.name, cniVersion: list.cniVersion }));
    parsers[conf.type]?.(conf);
    if (conf.ipam === undefined) continue;
    assert.deepEqual(parseSpiderpoolIpam(conf).default_ipv4_ippool, ['p4']);
  }
}

test('macvlan uses the parent in mode bridge', () => {
  assertGolden({ cniType: 'macvlan', macvlan: { master: ['eth0'], ippools } }, [
    `{"type":"macvlan","master":"eth0","mode":"bridge","mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('macvlan has its MTU', () => {
  assertGolden({ cniType: 'macvlan', macvlan: { master: ['eth0'], mtu: 1400, ippools } }, [
    `{"type":"macvlan","master":"eth0","mode":"bridge","mtu":1400,${ipam}}`,
    coordinator,
  ]);
});

test('macvlan on a VLAN has ifacer before it', () => {
  assertGolden({ cniType: 'macvlan', macvlan: { master: ['eth0'], vlanID: 100, ippools } }, [
    '{"vlanID":100,"type":"ifacer","interfaces":["eth0"]}',
    `{"type":"macvlan","master":"eth0.100","mode":"bridge","mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('macvlan on a VLAN of a bond has ifacer before it', () => {
  assertGolden({ cniType: 'macvlan', macvlan: { master: ['ens1', 'ens2'], vlanID: 100, bond, ippools } }, [
    `{"vlanID":100,"type":"ifacer","interfaces":["ens1","ens2"],${bondText}}`,
    `{"type":"macvlan","master":"bond0.100","mode":"bridge","mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('ipvlan has no mode', () => {
  assertGolden({ cniType: 'ipvlan', ipvlan: { master: ['eth0'], ippools } }, [
    `{"type":"ipvlan","master":"eth0","mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('ipvlan has its MTU', () => {
  assertGolden({ cniType: 'ipvlan', ipvlan: { master: ['eth0'], mtu: 9000, ippools } }, [
    `{"type":"ipvlan","master":"eth0","mtu":9000,${ipam}}`,
    coordinator,
  ]);
});

test('ipvlan on a bond has ifacer before it', () => {
  assertGolden(
    { cniType: 'ipvlan', ipvlan: { master: ['ens1', 'ens2'], bond: { name: 'bond0', mode: 0 }, ippools } },
    [
      '{"type":"ifacer","interfaces":["ens1","ens2"],"bond":{"name":"bond0","mode":0,"options":""}}',
      `{"type":"ipvlan","master":"bond0","mtu":0,${ipam}}`,
      coordinator,
    ],
  );
});

test('vlan makes the VLAN itself', () => {
  assertGolden({ cniType: 'vlan', vlan: { master: ['eth0'], vlanID: 100, ippools } }, [
    `{"type":"vlan","master":"eth0","vlanMode":"manual","vlanId":100,"mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('vlan on a bond asks ifacer for the bond alone', () => {
  assertGolden({ cniType: 'vlan', vlan: { master: ['ens1', 'ens2'], vlanID: 100, bond, ippools } }, [
    `{"type":"ifacer","interfaces":["ens1","ens2"],${bondText}}`,
    `{"type":"vlan","master":"bond0","vlanMode":"manual","vlanId":100,"mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('vlan in mode auto is type eni-vlan, and names no VLAN', () => {
  assertGolden({ cniType: 'vlan', vlan: { master: ['eth0'], vlanMode: 'auto', ippools } }, [
    `{"type":"eni-vlan","master":"eth0","vlanMode":"auto","mtu":0,${ipam}}`,
    coordinator,
  ]);
});

test('vlan in mode auto on a bond asks ifacer for the bond, and has its MTU', () => {
  const vlan = { master: ['ens1', 'ens2'], vlanMode: 'auto', bond, mtu: 1400, ippools };
  assertGolden({ cniType: 'vlan', vlan }, [
    `{"type":"ifacer","interfaces":["ens1","ens2"],${bondText}}`,
    `{"type":"eni-vlan","master":"bond0","vlanMode":"auto","mtu":1400,${ipam}}`,
    coordinator,
  ]);
});

test('sriov has its VLAN and rates, and pools of the parent’s subnet', () => {
  assertGolden(
    {
      cniType: 'sriov',
      sriov: {
        resourceName: 'spidernet.io/vf',
        vlanID: 5,
        minTxRateMbps: 10,
        maxTxRateMbps: 20,
        ippools: { ...ippools, matchMasterSubnet: true },
      },
    },
    [
      `{"vlan":5,"min_tx_rate":10,"max_tx_rate":20,"type":"sriov",${ipam.slice(0, -1)},"match_master_subnet":true}}`,
      coordinator,
    ],
  );
});

test('sriov with an MTU and RDMA has tuning last and rdma second', () => {
  assertGolden({ cniType: 'sriov', sriov: { resourceName: 'r', mtu: 8000, rdmaIsolation: true, ippools } }, [
    `{"vlan":0,"min_tx_rate":0,"max_tx_rate":0,"type":"sriov",${ipam}}`,
    '{"type":"rdma"}',
    coordinator,
    '{"type":"tuning","mtu":8000}',
  ]);
});

test('ib-sriov has the defaults of the CRD', () => {
  assertGolden({ cniType: 'ib-sriov', ibsriov: { resourceName: 'r', ippools } }, [
    `{"type":"ib-sriov","pkey":"","link_state":"enable","rdmaIsolation":true,"ibKubernetesEnabled":false,${ipam}}`,
    coordinator,
  ]);
});

test('ib-sriov has every option of its own', () => {
  assertGolden(
    {
      cniType: 'ib-sriov',
      ibsriov: {
        resourceName: 'r',
        pkey: '0x8001',
        linkState: 'auto',
        rdmaIsolation: false,
        enableIbKubernetes: true,
        ippools,
      },
    },
    [
      `{"type":"ib-sriov","pkey":"0x8001","link_state":"auto","rdmaIsolation":false,"ibKubernetesEnabled":true,${ipam}}`,
      coordinator,
    ],
  );
});

test('ipoib has its parent', () => {
  assertGolden({ cniType: 'ipoib', ipoib: { master: 'ib0', ippools } }, [
    `{"type":"ipoib","master":"ib0",${ipam}}`,
    coordinator,
  ]);
});

test('ovs has its bridge, VLAN, device and trunks', () => {
  assertGolden(
    {
      cniType: 'ovs',
      ovs: {
        bridge: 'br1',
        vlan: 7,
        deviceID: '0000:03:00.1',
        trunk: [{ minID: 1, maxID: 5 }, { id: 9 }],
        ippools,
      },
    },
    [
      `{"vlan":7,"type":"ovs","bridge":"br1","deviceID":"0000:03:00.1",${ipam},"trunk":[{"minID":1,"maxID":5},{"id":9}]}`,
      coordinator,
    ],
  );
});
