import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Link } from '#net';
import { type LinksOf, segmentsOf } from './index.ts';

function link(name: string, index: number, more: Partial<Link> = {}): Link {
  return { name, index, mtuBytes: 1500, up: true, carrier: true, loopback: name === 'lo', ...more };
}

const veth = (
  name: string,
  index: number,
  linkIndex: number,
  linkNetnsId: number,
  more: Partial<Link> = {},
) => link(name, index, { kind: 'veth', linkIndex, linkNetnsId, ...more });

/** Two nodes on a bridge that is in a namespace of its own; each has a pod with the same link numbers. */
const lab: LinksOf[] = [
  {
    name: 'lab',
    kind: 'cables',
    links: [
      link('lo', 1),
      link('lan', 2, { kind: 'bridge' }),
      ...[0, 1].map((i) => veth(`lan-node${i + 1}`, 3 + i, 2, i, { masterIndex: 2 })),
    ],
  },
  ...[1, 2].flatMap((n): LinksOf[] => [
    {
      name: `node${n}`,
      kind: 'node',
      links: [
        link('lo', 1),
        veth('ens160', 2, 2 + n, 0),
        veth(`veth${n}`, 5, 3, 1),
        veth(`cali${n}`, 6, 2, 2),
      ],
    },
    {
      name: `m${n}`,
      kind: 'pod',
      node: `node${n}`,
      links: [
        link('lo', 1),
        link('eth0', 2, { kind: 'macvlan', linkIndex: 2, linkNetnsId: 0 }),
        veth('veth0', 3, 5, 0),
      ],
    },
    { name: `c${n}`, kind: 'pod', node: `node${n}`, links: [link('lo', 1), veth('eth0', 2, 6, 0)] },
  ]),
];

function texts(namespaces: readonly LinksOf[]): string[] {
  return segmentsOf(namespaces)
    .map(({ ports }) =>
      ports
        .map(({ place, link: dev, below }) => `${place}/${dev}${below ? ` on ${below.link}` : ''}`)
        .sort()
        .join(' '),
    )
    .filter((text) => text.includes(' '))
    .sort();
}

describe('segments', () => {
  test('are veth pairs, and a LAN with all its macvlans, although link numbers repeat in every namespace', () => {
    assert.deepEqual(texts(lab), [
      'c1/eth0 node1/cali1',
      'c2/eth0 node2/cali2',
      'm1/eth0 on ens160 m2/eth0 on ens160 node1/ens160 node2/ens160',
      'm1/veth0 node1/veth1',
      'm2/veth0 node2/veth2',
    ]);
  });

  test('are the tunnels of one overlay', () => {
    const nodes = [1, 2].map(
      (n): LinksOf => ({
        name: `node${n}`,
        kind: 'node',
        links: [
          link('flannel.1', 4, { kind: 'vxlan' }),
          link('wg0', 5 + n, { kind: 'wireguard' }),
          link('ens160', 2),
        ],
      }),
    );
    assert.deepEqual(texts(nodes), ['node1/flannel.1 node2/flannel.1', 'node1/wg0 node2/wg0']);
  });

  test('of a single node are its NIC with the macvlans on it', () => {
    const alone = lab.filter(({ name, node }) => name === 'node1' || node === 'node1');
    assert.deepEqual(texts(alone), [
      'c1/eth0 node1/cali1',
      'm1/eth0 on ens160 node1/ens160',
      'm1/veth0 node1/veth1',
    ]);
  });

  test('pods on a bridge of their node share its segment with the bridge', () => {
    const flannel: LinksOf[] = [
      {
        name: 'node1',
        kind: 'node',
        links: [
          link('cni0', 2, { kind: 'bridge' }),
          veth('vetha', 3, 2, 0, { masterIndex: 2 }),
          veth('vethb', 4, 2, 1, { masterIndex: 2 }),
        ],
      },
      { name: 'a', kind: 'pod', node: 'node1', links: [veth('eth0', 2, 3, 0)] },
      { name: 'b', kind: 'pod', node: 'node1', links: [veth('eth0', 2, 4, 0)] },
    ];
    assert.deepEqual(texts(flannel), ['a/eth0 b/eth0 node1/cni0']);
  });
});
