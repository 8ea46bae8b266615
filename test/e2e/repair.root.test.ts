// A running agent repairs damage on its node. It counts repairs, reports them on the pod, and changes only its own objects.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Event, type NodeReport, resources, type SpiderCoordinator } from '#api';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, nodeNic, OneNode, serviceCidrs } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { Runtime, Sandbox, underlay } from './runtime.ts';

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const network = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
  let node: OneNode;
  let sandbox: Sandbox;
  let whole: string;

  /** Rules, routes, addresses, neighbours and nftables of the pod and the node, without the objects that the kernel adds itself. */
  function everything(): string {
    const commands = [
      'ip rule',
      'ip -6 rule',
      'ip -o address',
      'ip route show table all',
      'ip -6 route show table all',
      'ip neighbour show nud permanent',
      'nft list ruleset',
    ];
    const lines = commands.flatMap((command) => {
      const [program = '', ...words] = command.split(' ');
      return [sandbox.run(program, ...words), runProgram(program, words)].flatMap((text) => text.split('\n'));
    });
    return lines
      .filter((line) => !/fe80|^ff00|multicast|anycast|dev lan-port/.test(line))
      .map((line) =>
        line
          .replaceAll(/^\d+: | (linkdown|pref medium|nodad)\b|(valid_lft|preferred_lft) \S+|\\/g, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      )
      .sort()
      .join('\n');
  }

  const isWhole = () => everything() === whole;

  async function repaired(): Promise<void> {
    await until('everything is as before', isWhole).catch(() => {
      const [then, now] = [whole.split('\n'), everything().split('\n')];
      const missing = then.filter((line) => !now.includes(line));
      assert.deepEqual({ missing, added: now.filter((line) => !then.includes(line)) }, {}, 'not as before');
    });
  }

  function onNode(command: string): void {
    runProgram('sh', ['-c', command]);
  }

  function inPod(command: string): void {
    sandbox.run('sh', '-c', command);
  }

  /** The sum of the counter's series with matching labels. */
  async function counted(metric: string, ...labels: string[]): Promise<number> {
    const text = await (await fetch('http://127.0.0.1:5710/metrics')).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${metric}{`) && labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async function eventsOf(pod: string, reason: string): Promise<Event[]> {
    const { items } = await node.client.list(resources.events, { namespace: 'default' });
    return items.filter((event) => event.involvedObject.name === pod && event.reason === reason);
  }

  function ping(): void {
    sandbox.run('ping', '-c1', '-W10', nodeAddress[4]);
    sandbox.run('ping', '-6', '-c1', '-W10', nodeAddress[6]);
  }

  const ready = async () => (await fetch('http://127.0.0.1:5710/v1/runtime/readiness')).ok;

  /** Waits until the agent makes no comparison for a while. */
  async function calm(quietMs = 600): Promise<number> {
    let before = -1;
    await until('the agent is idle', async () => {
      const now = await counted('orbweaver_comparisons_total');
      const idle = now === before;
      before = now;
      if (!idle) await sleep(quietMs);
      return idle;
    });
    return before;
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    await makePod();
  });
  after(() => node.stop());
  // All tests damage the same pod. Permanent damage by a failed test must not make the others fail.
  afterEach(async (test) => {
    await node.revive();
    if (!('passed' in test) || test.passed) return;
    await runtime.clear();
    await node.client.delete(resources.pods, { namespace: 'default', name: 'a' }, { gracePeriodSeconds: 0 });
    await makePod();
  });

  async function makePod(): Promise<void> {
    sandbox = await Sandbox.ofNewPod(node, 'a');
    await runtime.add(network, sandbox);
    await calm();
    whole = everything();
  }

  const veth = () => `veth${sandbox.id.slice(0, 11)}`;

  describe('somebody breaks something of a running pod', () => {
    const damages: readonly (readonly [what: string, breaks: () => void, names: RegExp])[] = [
      ['an IPv4 route', () => inPod(`ip route del ${serviceCidrs[0]}`), /route 10\.96\.0\.0\/16 .* missing/],
      [
        'an IPv6 route',
        () => inPod(`ip -6 route del ${serviceCidrs[1]}`),
        /route fd00:10:96::\/112 .*missing/,
      ],
      ['the default route', () => inPod('ip route del default'), /route default via 10\.6\.0\.1/],
      ['the IPv6 default route', () => inPod('ip -6 route del default'), /route default via fd00:10:6::1/],
      ['an IPv4 rule', () => inPod('ip rule del pref 1000'), /rule 1000: from all fwmark 0x1/],
      ['an IPv6 rule', () => inPod('ip -6 rule del pref 1000'), /IPv6 rule 1000/],
      [
        'a neighbour',
        () => inPod(`ip neighbour del ${nodeAddress[4]} dev veth0`),
        /neighbour 10\.6\.0\.101 dev veth0 .* missing/,
      ],
      [
        'an IPv6 neighbour',
        () => inPod(`ip neighbour del ${nodeAddress[6]} dev veth0`),
        /neighbour fd00:10:6::101 dev veth0 .* missing/,
      ],
      ['the nft table', () => inPod('nft delete table inet orbweaver'), /table inet orbweaver is missing/],
      ['rp_filter', () => inPod('echo 1 >/proc/sys/net/ipv4/conf/veth0/rp_filter'), /rp_filter is 1, not 0/],
      ['veth0', () => inPod('ip link del veth0'), /link veth[0-9a-f]+ is missing/],
      ['the node’s end', () => onNode(`ip link del ${veth()}`), /link veth[0-9a-f]+ is missing/],
      ['the node’s routes', () => onNode('ip route flush table 500'), /missing from table 500/],
      ['the node’s IPv6 routes', () => onNode('ip -6 route flush table 500'), /missing from table 500/],
      [
        'the node’s neighbour',
        () => onNode(`ip neighbour del ${podAddress(4)} dev ${veth()}`),
        /neighbour 10\.6\.1\.\d+ dev veth[0-9a-f]+ .* missing/,
      ],
      [
        'the node’s nft table',
        () => onNode('nft delete table inet orbweaver'),
        /table inet orbweaver is missing/,
      ],
    ];
    for (const [what, breaks, names] of damages) {
      test(`${what}: it is repaired, counted, and reported on the pod`, async () => {
        await calm();
        const repairs = () => counted('orbweaver_repairs_total', 'reason="drift"', 'result="repaired"');
        const before = await repairs();
        breaks();
        await repaired();
        ping();
        await until('the repair is counted', async () => (await repairs()) > before);
        await until('the Event names the object', async () =>
          (await eventsOf('a', 'NetworkRepaired')).some(({ message = '' }) => names.test(message)),
        );
      });
    }

    test("the node's rules: they are repaired and counted", async () => {
      await calm();
      const repairs = () => counted('orbweaver_repairs_total', 'result="repaired"');
      const before = await repairs();
      onNode('ip rule del pref 1000');
      onNode('ip -6 rule del pref 1000');
      await repaired();
      await until('the repair is counted', async () => (await repairs()) > before);
    });
  });

  function podAddress(family: 4 | 6): string {
    const [link] = sandbox.ip<{ addr_info: { family: string; local: string; scope: string }[] }>(
      'address',
      'show',
      'dev',
      'eth0',
    );
    const inet = family === 4 ? 'inet' : 'inet6';
    return link?.addr_info.find((one) => one.family === inet && one.scope === 'global')?.local ?? '';
  }

  for (const [where, link] of [
    ['pod', () => 'eth0'],
    ['pod', () => 'veth0'],
    ['node', veth],
  ] as const) {
    test(`${link === veth ? 'the node’s end' : link()} of the pod goes down and up: addresses and routes are back`, async () => {
      const run = where === 'pod' ? inPod : onNode;
      run(`ip link set ${link()} down`);
      await sleep(50);
      run(`ip link set ${link()} up`);
      await repaired();
      ping();
    });
  }

  test('the LAN link of the node goes down and up: once its addresses are back, the pod reaches the node', async () => {
    onNode(`ip link set ${nodeNic} down`);
    await sleep(300);
    onNode(`ip link set ${nodeNic} up`);
    onNode(`ip address replace ${nodeAddress[6]}/64 dev ${nodeNic} nodad`);
    await repaired();
    ping();
  });

  describe('the node’s addresses', () => {
    const routes = () => sandbox.run('ip', 'route') + sandbox.run('ip', '-6', 'route');

    test('a new address is reached through veth0 until it is removed, and no Event reports it', async () => {
      await calm();
      const told = (await eventsOf('a', 'NetworkRepaired')).length;
      const repairs = () =>
        counted('orbweaver_repairs_total', 'reason="node_addresses"', 'result="repaired"');
      const before = await repairs();
      onNode(`ip address add 10.6.0.102/16 dev ${nodeNic}`);
      onNode(`ip address add fd00:10:6::102/64 dev ${nodeNic} nodad`);
      await until('both are routed', () =>
        ['10.6.0.102', 'fd00:10:6::102'].every((address) => routes().includes(`${address} dev veth0`)),
      );
      onNode(`ip address del 10.6.0.102/16 dev ${nodeNic}`);
      onNode(`ip address del fd00:10:6::102/64 dev ${nodeNic}`);
      await repaired();
      await until('it is counted', async () => (await repairs()) > before);
      assert.equal((await eventsOf('a', 'NetworkRepaired')).length, told);
      await runtime.check(network, sandbox);
    });

    test("an address that moves to another link moves the pod's routes to Services", async () => {
      const object = await node.client.get(resources.nodes, { name: 'node1' });
      const moved = (address: string) => ({
        ...object,
        metadata: { name: 'node1' },
        status: {
          ...object.status,
          addresses: [
            { type: 'InternalIP', address },
            { type: 'InternalIP', address: nodeAddress[6] },
          ],
        },
      });
      // Without it, the second address is removed with the first.
      onNode(`echo 1 >/proc/sys/net/ipv4/conf/${nodeNic}/promote_secondaries`);
      onNode(`ip address add 10.6.0.103/16 dev ${nodeNic}`);
      onNode(`ip address del ${nodeAddress[4]}/16 dev ${nodeNic}`);
      await node.client.updateStatus(resources.nodes, moved('10.6.0.103'));
      const way = new RegExp(`${serviceCidrs[0]} via 10\\.6\\.0\\.103 dev veth0`);
      await until('Services are reached through the new address', () => way.test(routes()));
      sandbox.run('ping', '-c1', '-W10', '10.6.0.103');
      onNode(`ip address add ${nodeAddress[4]}/16 dev ${nodeNic}`);
      onNode(`ip address del 10.6.0.103/16 dev ${nodeNic}`);
      await node.client.updateStatus(resources.nodes, moved(nodeAddress[4]));
      await repaired();
    });
  });

  describe('the SpiderCoordinator', () => {
    const get = () => node.client.get(resources.spiderCoordinators, { name: 'default' });
    const setStatus = async (status: SpiderCoordinator['status']) => {
      const { metadata, ...rest } = await get();
      await node.client.updateStatus(resources.spiderCoordinators, {
        ...rest,
        metadata: { name: metadata.name ?? '' },
        status,
      });
    };

    test('running pods get its new networks, and CHECK compares with them', async () => {
      await calm();
      const told = (await eventsOf('a', 'NetworkRepaired')).length;
      const { status } = await get();
      await setStatus({ phase: 'Synced', ...status, serviceCIDR: ['10.99.0.0/16', 'fd00:10:99::/112'] });
      await node.client.patch(
        resources.spiderCoordinators,
        { name: 'default' },
        { type: 'merge', body: { spec: { hijackCIDR: ['192.0.2.0/24'] } } },
      );
      const routes = () => sandbox.run('ip', 'route') + sandbox.run('ip', '-6', 'route');
      await until('the new networks are routed', () =>
        ['10.99.0.0/16', 'fd00:10:99::/112', '192.0.2.0/24'].every((text) =>
          routes().includes(`${text} via`),
        ),
      );
      assert.ok(!routes().includes(serviceCidrs[0]));
      await calm();
      await runtime.check(network, sandbox);
      await setStatus(status);
      await node.client.patch(
        resources.spiderCoordinators,
        { name: 'default' },
        { type: 'merge', body: { spec: { hijackCIDR: [] } } },
      );
      await repaired();
      assert.equal((await eventsOf('a', 'NetworkRepaired')).length, told, 'nobody broke anything');
      const repairs = () => counted('orbweaver_repairs_total', 'reason="settings"', 'result="repaired"');
      await until('both are counted', async () => (await repairs()) >= 2);
    });
  });

  describe('the agent', () => {
    test('repairs at its start what broke while it was away', async () => {
      await node.agent.stop();
      inPod('ip rule del pref 1000');
      inPod('nft delete table inet orbweaver');
      onNode(`ip link del ${veth()}`);
      await node.startAgent();
      await repaired();
      ping();
      await until(
        'it is counted',
        async () => (await counted('orbweaver_repairs_total', 'reason="start"')) > 0,
      );
    });

    test('repairs without the API server too, also right after its own start', async () => {
      await node.apiServer.stop('SIGKILL');
      inPod(`ip route del ${serviceCidrs[0]}`);
      await repaired();
      await node.agent.stop();
      onNode(`ip link del ${veth()}`);
      await node.startAgent();
      await repaired();
      inPod('ip -6 rule del pref 1000');
      await repaired();
    });

    test('changes of neighbours, foreign routes, foreign rules and other pods cause no comparison', async () => {
      await until('the agent knows the cluster', ready);
      // Longer than a busy machine needs for the work that earlier tests started.
      const before = await calm(3000);
      for (let i = 2; i < 30; i++) {
        inPod(`ip neighbour replace 10.6.7.${i} dev eth0 lladdr 02:00:00:00:00:${10 + i} nud reachable`);
        inPod(`ip neighbour del 10.6.7.${i} dev eth0`);
      }
      onNode(`ip route add 198.51.100.0/24 dev ${nodeNic} proto bird`);
      onNode('ip route del 198.51.100.0/24');
      onNode('ip rule add pref 77 lookup 77');
      onNode('ip rule del pref 77');
      onNode('nft add table ip foreign');
      onNode('nft add chain ip foreign c');
      onNode('nft delete table ip foreign');
      const other = new Sandbox({ name: 'foreign' });
      onNode(`ip link add foreign0 type veth peer name eth0 netns cni-${other.id.slice(0, 12)}`);
      other.run('ip', 'link', 'set', 'eth0', 'up');
      other.run('ip', 'rule', 'add', 'pref', '7', 'lookup', '7');
      other.dropNamespace();
      await sleep(1000);
      assert.equal(await counted('orbweaver_comparisons_total'), before);
    });
  });

  test('foreign objects in the pod stay, and a NIC that somebody deletes is reported and not made again', async () => {
    const other = await Sandbox.ofNewPod(node, 'b');
    await runtime.add(network, other);
    await calm();
    other.run('ip', 'route', 'add', '192.0.2.0/24', 'via', '10.6.0.1');
    other.run('ip', 'rule', 'add', 'pref', '500', 'lookup', '77');
    other.run('ip', 'rule', 'del', 'pref', '1000');
    await until('the rule is back', () => other.run('ip', 'rule').includes('fwmark 0x1'));
    assert.match(other.run('ip', 'rule'), /^500:.*lookup 77/m);
    assert.match(other.run('ip', 'route'), /^192\.0\.2\.0\/24 via 10\.6\.0\.1 dev eth0/m);
    other.run('ip', 'link', 'del', 'eth0');
    await until('the lost NIC is reported', async () => {
      const [event] = await eventsOf('b', 'NetworkBroken');
      return event?.type === 'Warning' && (event.message ?? '').includes('interface eth0 is missing');
    });
    assert.doesNotMatch(other.run('ip', '-br', 'link'), /^eth0/m);
    assert.equal(await counted('orbweaver_repairs_total', 'result="beyond_repair"'), 1);
    await runtime.del(network, other);
    other.dropNamespace();
    assert.ok(isWhole(), 'the other pod has noticed nothing');
  });

  describe('orbctl check --node', () => {
    const orbctl = (...flags: string[]) => {
      const args = [join(import.meta.dirname, '../../dist/orbctl.mjs'), 'check', '--node', ...flags];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    test('prints one line when nothing is wrong', () => {
      assert.deepEqual(orbctl(), { status: 0, stdout: 'node1: no drift (the node and 1 pod)\n', stderr: '' });
    });

    // The kernel announces no sysctl except rp_filter. So the agent does not repair this one before orbctl does.
    test('names drift, exits with 1, and repairs it on request', async () => {
      const link = veth();
      onNode(`echo 1 >/proc/sys/net/ipv6/conf/${link}/accept_ra`);
      const found = orbctl();
      assert.equal(found.status, 1);
      assert.match(found.stdout, /^default\/a \(eth0; container [0-9a-f]{12}\)$/m);
      assert.match(found.stdout, new RegExp(`^ {2}sysctl net/ipv6/conf/${link}/accept_ra is 1, not 0$`, 'm'));
      const { pods } = JSON.parse(orbctl('--json').stdout) as NodeReport;
      assert.deepEqual(
        pods.map(({ name, drift, repaired }) => [name, drift.length, repaired]),
        [['a', 1, false]],
      );
      const mendedNow = orbctl('--repair');
      assert.equal(mendedNow.status, 0);
      assert.match(mendedNow.stdout, /repaired: sysctl/);
      assert.equal(orbctl().status, 0);
    });

    test('shows the drift of the node itself too', async () => {
      const file = join(node.folder, 'conf.yml');
      const conf = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      writeFileSync(file, JSON.stringify({ ...conf, tuneSysctlConfig: true }));
      await node.agent.stop();
      await node.startAgent();
      await until('the agent has prepared the node', ready);
      await calm();
      onNode('echo 0 >/proc/sys/net/ipv4/conf/all/arp_notify');
      const { status, stdout } = orbctl('--repair');
      assert.equal(status, 0);
      assert.match(stdout, /^node node1\n {2}repaired: sysctl net\/ipv4\/conf\/all\/arp_notify is 0, not 1/m);
    });

    test('fails with exit code 2 without an agent', async () => {
      await node.agent.stop();
      const { status, stdout, stderr } = orbctl();
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /the agent of this node does not answer/);
    });
  });

  test('a pod whose namespace is gone is not repaired: its DEL removes it', async () => {
    const gone = await Sandbox.ofNewPod(node, 'c');
    await runtime.add(network, gone);
    await calm();
    const failed = await counted('orbweaver_repairs_total', 'result="failed"');
    const link = `veth${gone.id.slice(0, 11)}`;
    gone.dropNamespace();
    await until('the kernel ends the namespace', () => !runProgram('ip', ['-br', 'link']).includes(link));
    await calm();
    assert.equal(await counted('orbweaver_repairs_total', 'result="failed"'), failed);
    await runtime.del(network, gone);
    assert.ok(isWhole());
  });
}
