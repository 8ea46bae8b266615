// Pods of type `veth-route` on a real agent: what they have, whom they reach, and what DEL leaves.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { gateway, nodeAddress, nodeNic, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { type AddResult, CniFailure, type Network, Runtime, Sandbox } from './runtime.ts';

const network = (more: Readonly<Record<string, unknown>> = {}): Network => ({
  cniVersion: '1.0.0',
  name: 'routed',
  plugins: [
    {
      type: 'veth-route',
      ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] },
      ...more,
    },
  ],
});

const ip = (words: string) => runProgram('ip', words.split(' '));

/** Reads it, or sets it: `ipv4/conf/all/rp_filter`. */
function sysctl(key: string, value?: string): string {
  const file = `/proc/sys/net/${key}`;
  if (value !== undefined) writeFileSync(file, value);
  return readFileSync(file, 'utf8').trim();
}

/** An address that the router has behind itself. */
const outside = { 4: '192.0.2.9', 6: '2001:db8::9' } as const;

/** A pool with one address. */
const onlyAddress = '10.6.2.1';
const onlyOne = { ipam: { type: 'spiderpool', default_ipv4_ippool: ['one'], default_ipv6_ippool: ['v6'] } };

const twoRoutes = [
  'default via 169.254.1.1 dev eth0',
  '169.254.1.1 dev eth0 scope link',
  'fe80::/64 dev eth0 proto kernel metric 256',
  'default via fe80::1 dev eth0 metric 1024',
];

interface Pod {
  readonly sandbox: Sandbox;
  readonly result: AddResult;
  readonly four: string;
  readonly six: string;
  /** The node's end. */
  readonly host: string;
}

function defaultRoutes(): void {
  ip(`route replace default via ${gateway[4]}`);
  ip(`-6 route replace default via ${gateway[6]}`);
}

/** The router of the LAN, which is also another machine. It has no route to a pod. */
function makeRouter(): void {
  const lines = [
    'netns add router',
    'link add lan1 netns router type veth peer name lan-port1',
    'link set lan-port1 master lan up',
    '-n router link set lo up',
  ];
  for (const line of lines) ip(line);
  ip('-n router link set lan1 up');
  ip(`-n router address add ${gateway[4]}/16 dev lan1`);
  ip(`-n router address add ${gateway[6]}/64 dev lan1 nodad`);
  ip(`-n router address add ${outside[4]}/32 dev lo`);
  ip(`-n router address add ${outside[6]}/128 dev lo nodad`);
}

const fromRouter = (...words: string[]) => runProgram('ip', ['netns', 'exec', 'router', ...words]);

function addressesOf({ ips = [] }: AddResult): [string, string] {
  const [four = '', six = ''] = ips.map(({ address }) => address.split('/')[0] ?? '');
  return [four, six];
}

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  let node: OneNode;
  let pods = 0;

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    await node.createPool('one', 4, { ips: [onlyAddress] });
    makeRouter();
    defaultRoutes();
    const { sandbox } = await addPod();
    await del(sandbox);
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  async function addPod(conf: Readonly<Record<string, unknown>> = {}): Promise<Pod> {
    const sandbox = await Sandbox.ofNewPod(node, `pod-${++pods}`);
    const result = await runtime.add(network(conf), sandbox);
    const [four, six] = addressesOf(result);
    return { sandbox, result, four, six, host: result.interfaces?.[0]?.name ?? '' };
  }

  async function del(...sandboxes: readonly Sandbox[]): Promise<void> {
    for (const sandbox of sandboxes) {
      await runtime.del(network(), sandbox);
      sandbox.dropNamespace();
    }
  }

  const ping = (sandbox: Sandbox, ...to: string[]) => {
    for (const address of to) sandbox.run('ping', '-c1', '-W5', address);
  };

  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) => line.replace(/ pref medium$/, '').trim())
      .filter((line) => line !== '');

  const routesOf = (sandbox: Sandbox) => [
    ...lines(sandbox.run('ip', 'route')),
    ...lines(sandbox.run('ip', '-6', 'route')),
  ];

  /** All ways that need nobody but the node and its LAN, from and to two pods, in both families. */
  function tryAllWays(one: Pod, two: Pod): void {
    ping(one.sandbox, two.four, two.six, nodeAddress[4], nodeAddress[6], '169.254.1.1');
    ping(one.sandbox, gateway[4], gateway[6], outside[4], outside[6]);
    for (const to of [one.four, one.six, two.four, two.six]) {
      runProgram('ping', ['-c1', '-W5', to]);
      fromRouter('ping', '-c1', '-W5', to);
    }
    for (const [from, to] of [
      [outside[4], one.four],
      [outside[6], one.six],
    ] as const)
      fromRouter('ping', '-c1', '-W5', '-I', from, to);
  }

  const refusal = async (run: Promise<unknown>): Promise<CniFailure> => {
    const error: unknown = await run.then(
      (result: unknown) => assert.fail(`it succeeded: ${JSON.stringify(result)}`),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof CniFailure, String(error));
    return error;
  };

  /** An ADD that is refused, with the DEL of the runtime after it. */
  async function refusedAdd(conf: Readonly<Record<string, unknown>>, sandbox?: Sandbox): Promise<CniFailure> {
    const place = sandbox ?? (await Sandbox.ofNewPod(node, `pod-${++pods}`));
    const refused = await refusal(runtime.add(network(conf), place));
    await runtime.del(network(conf), place);
    place.dropNamespace();
    return refused;
  }

  test('a pod has exactly two routes of each family; the node has a host route and a proxy for each address', async () => {
    const { sandbox, result, four, six } = await addPod();
    assert.deepEqual(routesOf(sandbox), twoRoutes);
    const [host] = result.interfaces ?? [];
    assert.deepEqual(
      result.interfaces?.map(({ name, sandbox: place }) => [name, place]),
      [
        [host?.name, undefined],
        ['eth0', sandbox.netns],
      ],
    );
    assert.deepEqual(result.ips, [
      { address: `${four}/16`, gateway: '169.254.1.1', interface: 1 },
      { address: `${six}/64`, gateway: 'fe80::1', interface: 1 },
    ]);
    assert.deepEqual(lines(ip(`route show dev ${host?.name}`)), [`${four} proto 79`]);
    const proxies = [`${four} proxy proto 79`, `${six} proxy proto 79`];
    assert.deepEqual(lines(ip(`neighbour show proxy dev ${nodeNic}`)).toSorted(), proxies.toSorted());
    // What the node sends to the pod has an address of the node, and not that of the gateway.
    assert.match(ip(`route get ${four}`), new RegExp(`src ${nodeAddress[4].replaceAll('.', '\\.')} `));
    await runtime.check(network(), sandbox);
    await del(sandbox);
    assert.equal(ip('neighbour show proxy'), '');
  });

  test('a repeated ADD gives the same answer, and changes nothing', async () => {
    const { sandbox, result } = await addPod();
    const all = () =>
      ['link', 'address', 'route show table all', '-6 route show table all', 'neighbour show proxy']
        .map((words) => ip(words))
        .join('\n')
        .replaceAll(/(expires|lft) \S+/g, '');
    // The kernel still looks for duplicates of the LAN's own addresses.
    await until('no address is tentative', () => !all().includes('tentative'));
    const before = all();
    assert.deepEqual(await runtime.add(network(), sandbox), result);
    assert.equal(all(), before);
    await del(sandbox);
  });

  test('all ways work both ways in both families, without a route of the router', async () => {
    const [one, two] = [await addPod(), await addPod()];
    tryAllWays(one, two);
    await del(one.sandbox, two.sandbox);
  });

  test('all ways work with arp_ignore=1, arp_announce=2 and strict rp_filter, in pods too', async () => {
    const keys = ['arp_ignore', 'arp_announce', 'rp_filter'];
    const places = ['all', 'default', nodeNic];
    const before = keys.flatMap((key) =>
      places.map((place) => [`ipv4/conf/${place}/${key}`, sysctl(`ipv4/conf/${place}/${key}`)] as const),
    );
    for (const [key] of before) sysctl(key, key.endsWith('announce') ? '2' : '1');
    try {
      const [one, two] = [await addPod(), await addPod()];
      for (const { sandbox } of [one, two]) {
        for (const key of ['all/arp_ignore', 'all/rp_filter', 'eth0/arp_ignore', 'eth0/rp_filter'])
          sandbox.run('sh', '-c', `echo 1 >/proc/sys/net/ipv4/conf/${key}`);
      }
      // The entry of the gateway is a help only. The node's end answers for it.
      one.sandbox.run('ip', 'neighbour', 'delete', '169.254.1.1', 'dev', 'eth0');
      tryAllWays(one, two);
      await runtime.check(network(), two.sandbox);
      await del(one.sandbox, two.sandbox);
    } finally {
      for (const [key, value] of before) sysctl(key, value);
    }
  });

  test('the first packet of another machine is answered at once', async () => {
    const { sandbox, four } = await addPod();
    for (const _ of [1, 2, 3]) {
      fromRouter('ip', 'neighbour', 'flush', 'dev', 'lan1');
      const [, took] = /time=([0-9.]+) ms/.exec(fromRouter('ping', '-c1', '-W5', four)) ?? [];
      assert.ok(Number(took) < 80, `it took ${took} ms`);
    }
    await del(sandbox);
  });

  describe('somebody removes something of a running pod', () => {
    const damages: readonly (readonly [what: string, breaks: (pod: Pod) => void, names: RegExp])[] = [
      ['the host route', ({ four }) => ip(`route del ${four}`), /route 10\.6\.1\.\d+ dev vethr/],
      ['the IPv6 host route', ({ six }) => ip(`-6 route del ${six}`), /route fd00:10:6::1:\S+ dev vethr/],
      [
        'the proxy',
        ({ four }) => ip(`neighbour del proxy ${four} dev ${nodeNic}`),
        /neighbour proxy 10\.6\.1/,
      ],
      [
        'the IPv6 proxy',
        ({ six }) => ip(`neighbour del proxy ${six} dev ${nodeNic}`),
        /neighbour proxy fd00/,
      ],
      [
        'the default route of the pod',
        ({ sandbox }) => sandbox.run('ip', 'route', 'del', 'default'),
        /route default via 169\.254\.1\.1 dev eth0 is missing/,
      ],
      [
        'the IPv6 default route of the pod',
        ({ sandbox }) => sandbox.run('ip', '-6', 'route', 'del', 'default'),
        /route default via fe80::1 dev eth0/,
      ],
      [
        'the route to the gateway',
        ({ sandbox }) => sandbox.run('ip', 'route', 'del', '169.254.1.1'),
        /route 169\.254\.1\.1 dev eth0/,
      ],
      [
        'the neighbour of the gateway',
        ({ sandbox }) => sandbox.run('ip', 'neighbour', 'del', '169.254.1.1', 'dev', 'eth0'),
        /neighbour 169\.254\.1\.1 dev eth0/,
      ],
      [
        'an address of the pod',
        ({ sandbox, four }) => sandbox.run('ip', 'address', 'del', `${four}/16`, 'dev', 'eth0'),
        /address inet 10\.6\.1\.\d+\/16 dev eth0/,
      ],
      [
        'the gateway of the node’s end',
        ({ host }) => ip(`address del 169.254.1.1/32 dev ${host}`),
        /address inet 169\.254\.1\.1\/32 dev vethr/,
      ],
      ['the pair', ({ host }) => ip(`link del ${host}`), /link vethr\S+ is missing/],
      ['eth0 itself', ({ sandbox }) => sandbox.run('ip', 'link', 'del', 'eth0'), /link vethr\S+ is missing/],
      [
        'the link of the pod, which is set down',
        ({ sandbox }) => sandbox.run('ip', 'link', 'set', 'eth0', 'down'),
        /link eth0 is down/,
      ],
      [
        'a sysctl of the NIC',
        () => sysctl(`ipv6/conf/${nodeNic}/proxy_ndp`, '0'),
        /sysctl net\/ipv6\/conf\/lan0\/proxy_ndp is 0/,
      ],
    ];

    test('CHECK names each, and the agent is not needed for the others', async () => {
      await node.agent.stop('SIGKILL');
      await node.startAgent();
      for (const [what, breaks, names] of damages) {
        const pod = await addPod();
        // CHECK comes before the repair: it waits at least 150 ms after an event.
        breaks(pod);
        const { message } = await refusal(runtime.check(network(), pod.sandbox));
        assert.match(message, names, what);
        await del(pod.sandbox);
      }
    });

    for (const [what, breaks] of damages.filter(([words]) => !words.startsWith('a sysctl'))) {
      test(`${what}: the agent puts it back`, async () => {
        const [one, two] = [await addPod(), await addPod()];
        // The agent begins to follow a pod a second after its ADD.
        await sleep(1_300);
        breaks(one);
        await until('CHECK passes', async () => {
          try {
            await runtime.check(network(), one.sandbox);
            return true;
          } catch {
            return false;
          }
        });
        assert.deepEqual(routesOf(one.sandbox).toSorted(), twoRoutes.toSorted());
        tryAllWays(one, two);
        await del(one.sandbox, two.sandbox);
      });
    }

    test('the NIC of the node goes down and up: the kernel has deleted its proxies, and the agent puts them back', async () => {
      const [one, two] = [await addPod(), await addPod()];
      ip(`link set ${nodeNic} down`);
      assert.equal(ip('neighbour show proxy'), '');
      ip(`link set ${nodeNic} up`);
      ip(`address replace ${nodeAddress[6]}/64 dev ${nodeNic} nodad`);
      defaultRoutes();
      await until('the proxies are back', () => lines(ip('neighbour show proxy')).length === 4);
      tryAllWays(one, two);
      await del(one.sandbox, two.sandbox);
    });
  });

  test('another agent that starts after a crash removes the proxy of a pod that no record knows', async () => {
    const { sandbox, four } = await addPod();
    ip(`neighbour add proxy 10.6.99.1 dev ${nodeNic} protocol 79`);
    ip(`neighbour add proxy 10.6.99.2 dev ${nodeNic}`);
    await node.agent.stop('SIGKILL');
    await node.startAgent();
    await until('the stray one is gone', () => !ip('neighbour show proxy').includes('10.6.99.1'));
    assert.match(ip('neighbour show proxy'), /10\.6\.99\.2 .*/);
    assert.ok(ip('neighbour show proxy').includes(four));
    ip(`neighbour del proxy 10.6.99.2 dev ${nodeNic}`);
    await del(sandbox);
  });

  test('a proxy that an operator has made serves, and stays when the pod goes', async () => {
    ip(`neighbour add proxy ${onlyAddress} dev ${nodeNic}`);
    const { sandbox } = await addPod(onlyOne);
    await runtime.check(network(onlyOne), sandbox);
    await runtime.del(network(onlyOne), sandbox);
    sandbox.dropNamespace();
    assert.deepEqual(lines(ip('neighbour show proxy')), [`${onlyAddress} dev ${nodeNic} proxy`]);
    ip(`neighbour del proxy ${onlyAddress} dev ${nodeNic}`);
  });

  test('a new sandbox of the same pod takes the ways over, and the late DEL of the old one leaves them', async () => {
    const old = await addPod();
    const young = new Sandbox(old.sandbox.pod);
    const result = await runtime.add(network(), young);
    assert.deepEqual(addressesOf(result), [old.four, old.six]);
    const other = await addPod();
    await del(old.sandbox);
    await runtime.check(network(), young);
    const host = result.interfaces?.[0]?.name ?? '';
    tryAllWays({ ...old, sandbox: young, host }, other);
    await del(young, other.sandbox);
  });

  test('DEL after the namespace is gone, after a kill of the agent, and GC leave nothing', async () => {
    const gone = await addPod();
    gone.sandbox.dropNamespace();
    await node.agent.stop('SIGKILL');
    await runtime.del(network(), gone.sandbox);
    await node.startAgent();
    const [stays, goes] = [await addPod(), await addPod()];
    const valid = { 'cni.dev/valid-attachments': [{ containerID: stays.sandbox.id, ifname: 'eth0' }] };
    const [plugin = assert.fail()] = network().plugins;
    const gc = await runtime.call('GC', { ...network(), cniVersion: '1.1.0' }, { ...plugin, ...valid });
    assert.equal(gc.exit, 0, gc.stdout);
    assert.equal(lines(ip('neighbour show proxy')).length, 2);
    await runtime.check(network(), stays.sandbox);
    assert.match((await refusal(runtime.check(network(), goes.sandbox))).message, /there is no record/);
    await del(stays.sandbox, goes.sandbox);
  });

  describe('a refused ADD names what is wrong, and leaves nothing', () => {
    const refused: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
      [
        'an IPAM type of others',
        { ipam: { type: 'host-local' } },
        /ipam\.type: "host-local" is not one of spiderpool, neutron/,
      ],
      ['no IPAM', { ipam: undefined }, /ipam\.type: nothing is not one of/],
      ['an unknown NIC', { hostInterface: 'lan7' }, /hostInterface: "lan7" is not an interface of this node/],
      ['masquerading', { ipMasq: true }, /ipMasq: true must be false/],
      ['a tiny MTU', { mtu: 60 }, /mtu: 60 must be 68 to 65535/],
    ];
    for (const [what, conf, names] of refused)
      test(what, async () => {
        const { code, message } = await refusedAdd(conf);
        assert.equal(code, 7);
        assert.match(message, names);
      });

    test('an address that the node has itself', async () => {
      ip(`address add ${onlyAddress}/32 dev ${nodeNic}`);
      const { message } = await refusedAdd(onlyOne);
      ip(`address del ${onlyAddress}/32 dev ${nodeNic}`);
      assert.match(message, /interface lan0 of the node has address 10\.6\.2\.1, which was given to the pod/);
    });

    test('a host route of another program', async () => {
      ip(`route add ${onlyAddress} dev ${nodeNic}`);
      const { message } = await refusedAdd(onlyOne);
      assert.match(message, /route 10\.6\.2\.1 dev vethr\S+ .* is 10\.6\.2\.1 dev lan0 scope link instead/);
      ip(`route del ${onlyAddress} dev ${nodeNic}`);
    });

    test('a pod with another NIC that has the default route, and one with an eth0 already', async () => {
      const beside = await Sandbox.ofNewPod(node, `pod-${++pods}`);
      beside.run('ip', 'link', 'add', 'net1', 'type', 'bridge');
      beside.run('ip', 'link', 'set', 'net1', 'up');
      beside.run('ip', 'route', 'add', 'default', 'dev', 'net1');
      assert.match((await refusedAdd({}, beside)).message, /the pod has the route default dev net1/);
      const taken = await Sandbox.ofNewPod(node, `pod-${++pods}`);
      taken.run('ip', 'link', 'add', 'eth0', 'type', 'bridge');
      assert.match((await refusedAdd({}, taken)).message, /is not the peer of eth0 in the pod/);
    });
  });

  test('an MTU of the configuration, and that of the NIC without one', async () => {
    const mtu = (sandbox: Sandbox) => sandbox.ip<{ mtu: number }>('link', 'show', 'eth0')[0]?.mtu;
    ip(`link set ${nodeNic} mtu 1450`);
    const [usual, own] = [await addPod(), await addPod({ mtu: 1400, hostInterface: nodeNic })];
    ip(`link set ${nodeNic} mtu 1500`);
    assert.deepEqual([mtu(usual.sandbox), mtu(own.sandbox)], [1450, 1400]);
    await del(usual.sandbox, own.sandbox);
  });
}
