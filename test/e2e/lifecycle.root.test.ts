// ADD, CHECK, DEL, GC and STATUS with the real macvlan, a real agent and real kernel objects.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { footprint, leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { gateway, nodeAddress, OneNode } from './one-node.ts';
import { runProgram } from './program.ts';
import { type AddResult, CniFailure, Runtime, Sandbox, underlay } from './runtime.ts';

type Family = 4 | 6;

interface IpRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly table?: string;
  readonly protocol?: string;
}

/** Routes as short lines, without the routes that the kernel makes itself. */
function routesOf(rows: readonly IpRoute[]): string[] {
  const own = rows.filter(({ protocol, table }) => protocol !== 'kernel' && table !== 'local');
  return own
    .map(({ dst, gateway: via, dev, table = 'main' }) => [
      dst,
      via && `via ${via}`,
      `dev ${dev}`,
      `table ${table}`,
    ])
    .map((words) => words.filter(Boolean).join(' '))
    .toSorted();
}

const services = { 4: '10.96.0.0/16', 6: 'fd00:10:96::/112' } as const;
const overlay = { 4: '10.244.0.0/16', 6: 'fd00:10:244::/56' } as const;

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  let node: OneNode;
  let podNumber = 0;

  const poolsOf = (families: readonly Family[]) => ({
    ...(families.includes(4) && { ipv4: ['v4'] }),
    ...(families.includes(6) && { ipv6: ['v6'] }),
  });
  const dual = underlay(poolsOf([4, 6]));

  /** A new pod with a sandbox. */
  function sandboxOfNewPod(): Promise<Sandbox> {
    return Sandbox.ofNewPod(node, `pod-${++podNumber}`);
  }

  async function attached(network = dual): Promise<{ sandbox: Sandbox; result: AddResult }> {
    const sandbox = await sandboxOfNewPod();
    return { sandbox, result: await runtime.add(network, sandbox) };
  }

  async function end(sandbox: Sandbox, network = dual): Promise<void> {
    await runtime.del(network, sandbox);
    sandbox.dropNamespace();
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    // The first pod makes the objects that a node has only once.
    await end((await attached()).sandbox);
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  for (const families of [[4], [6], [4, 6]] as const) {
    test(`a pod of IPv${families.join(' and IPv')} gets golden table G1, reaches its node, and DEL leaves nothing`, async () => {
      const network = underlay(poolsOf(families));
      const { sandbox, result } = await attached(network);
      const addresses = (result.ips ?? []).map(({ address }) => address.split('/')[0] ?? '');
      assert.equal(addresses.length, families.length);
      const hostLink = `veth${sandbox.id.slice(0, 11)}`;
      for (const [index, family] of families.entries()) {
        const address = addresses[index] ?? '';
        const via = nodeAddress[family];
        assert.deepEqual(
          routesOf([
            ...sandbox.ip<IpRoute>(`-${family}`, 'route', 'show', 'table', 'main'),
            ...sandbox
              .ip<IpRoute>(`-${family}`, 'route', 'show', 'table', '100')
              .map((route) => ({ ...route, table: '100' })),
          ]),
          [
            `${via} dev veth0 table main`,
            `${overlay[family]} via ${via} dev veth0 table main`,
            `${services[family]} via ${via} dev veth0 table main`,
            `default via ${gateway[family]} dev eth0 table main`,
            `default via ${via} dev veth0 table 100`,
          ].toSorted(),
        );
        const rules = sandbox.ip<{ priority: number; fwmark?: string; table: string }>(`-${family}`, 'rule');
        assert.deepEqual(
          rules.filter(({ priority }) => priority === 1000).map(({ fwmark, table }) => [fwmark, table]),
          [['0x1', '100']],
        );
        const onNode = JSON.parse(
          runProgram('ip', ['-j', `-${family}`, 'route', 'show', 'table', '500']),
        ) as IpRoute[];
        assert.deepEqual(
          onNode.map(({ dst, dev }) => [dst, dev]),
          [[address, hostLink]],
        );
        const neighbours = runProgram('ip', ['neigh', 'show', 'nud', 'permanent', 'dev', hostLink]);
        assert.match(neighbours, new RegExp(`^${address} `, 'm'));
        sandbox.run('ping', `-${family}`, '-c1', '-W10', via);
        assert.ok((await node.held(`v${family}`))[address]);
      }
      const names = sandbox.ip<{ ifname: string }>('link').map(({ ifname }) => ifname);
      assert.deepEqual(names.toSorted(), ['eth0', 'lo', 'veth0']);
      await runtime.check(network, sandbox);
      await end(sandbox, network);
    });
  }

  describe('CHECK names the broken object', () => {
    const ip =
      (...args: string[]) =>
      (sandbox: Sandbox) =>
        void sandbox.ip(...args);
    const nodeIp =
      (...args: string[]) =>
      ({ id }: Sandbox) =>
        void runProgram(
          'ip',
          args.map((word) => word.replace('HOSTLINK', `veth${id.slice(0, 11)}`)),
        );
    const damages: [what: string, damage: (sandbox: Sandbox) => void, named: RegExp][] = [
      ['the pod’s veth is down', ip('link', 'set', 'veth0', 'down'), /veth0/],
      ['the veth pair is gone', ip('link', 'delete', 'veth0'), /veth0/],
      ['the NIC is gone', ip('link', 'delete', 'eth0'), /eth0/],
      [
        'the address of the NIC is gone',
        ip('addr', 'flush', 'dev', 'eth0', 'scope', 'global'),
        /10\.6\.1\.|eth0/,
      ],
      ['the route to Services is gone', ip('route', 'delete', '10.96.0.0/16'), /route 10\.96\.0\.0\/16/],
      [
        'the IPv6 route to Services is gone',
        ip('-6', 'route', 'delete', 'fd00:10:96::/112'),
        /route fd00:10:96::\/112/,
      ],
      ['the route of replies is gone', ip('route', 'flush', 'table', '100'), /table 100/],
      ['the rule of replies is gone', ip('rule', 'delete', 'priority', '1000'), /rule/],
      [
        'the neighbour of the node is gone',
        ip('neigh', 'delete', '10.6.0.101', 'dev', 'veth0'),
        /neighbour 10\.6\.0\.101/,
      ],
      [
        'the marks of replies are gone',
        (sandbox) => void sandbox.run('nft', 'flush', 'table', 'inet', 'orbweaver'),
        /nft|orbweaver/,
      ],
      ['the node’s route to the pod is gone', nodeIp('route', 'flush', 'table', '500'), /table 500/],
      ['the node’s end is down', nodeIp('link', 'set', 'HOSTLINK', 'down'), /veth[0-9a-f]{11}/],
    ];
    for (const [what, damage, named] of damages) {
      test(what, async () => {
        const { sandbox } = await attached();
        damage(sandbox);
        await assert.rejects(runtime.check(dual, sandbox), named);
        await end(sandbox);
      });
    }
  });

  test('CHECK finds that the pool gives the address to nobody or to another pod', async () => {
    const { sandbox, result } = await attached();
    const address = result.ips?.[0]?.address.split('/')[0];
    const { spiderIPPools } = (await import('#api')).resources;
    const patch = { type: 'merge', body: { status: { allocatedIPs: null } }, subresource: 'status' } as const;
    await node.client.patch(spiderIPPools, { name: 'v4' }, patch);
    await assert.rejects(runtime.check(dual, sandbox), new RegExp(`address ${address} .* IPPool v4`));
    await end(sandbox);
  });

  test('DEL succeeds twice', async () => {
    const { sandbox } = await attached();
    await runtime.del(dual, sandbox);
    await runtime.del(dual, sandbox);
    sandbox.dropNamespace();
  });

  test('DEL works without CNI_NETNS and with the container id alone', async () => {
    const { sandbox } = await attached();
    await runtime.del(dual, sandbox, { env: { CNI_NETNS: undefined, CNI_ARGS: undefined } });
    sandbox.dropNamespace();
  });

  test('DEL works when the namespace and the pod object are gone', async () => {
    const { sandbox } = await attached();
    sandbox.dropNamespace();
    const { pods } = (await import('#api')).resources;
    await node.client.delete(
      pods,
      { namespace: 'default', name: sandbox.pod.name },
      { gracePeriodSeconds: 0 },
    );
    await runtime.del(dual, sandbox);
  });

  test('DEL before ADD succeeds', async () => {
    await end(await sandboxOfNewPod());
  });

  test('a repeated IPAM call for the same container and interface gives the same addresses', async () => {
    const sandbox = await sandboxOfNewPod();
    const plugin = { type: 'spiderpool', ipam: dual.plugins[0]?.ipam };
    const call = () => runtime.call('ADD', dual, plugin, { sandbox });
    const [first, second] = [await call(), await call()];
    assert.equal(first.exit, 0, first.stdout);
    assert.equal(second.stdout, first.stdout);
    assert.equal((await footprint(node)).held.length, 2);
    assert.equal((await runtime.call('DEL', dual, plugin, { sandbox })).exit, 0);
    sandbox.dropNamespace();
  });

  test('a late DEL of an old sandbox does not free the address of the new one', async () => {
    const old = await attached();
    const renewed = new Sandbox(old.sandbox.pod);
    const result = await runtime.add(dual, renewed);
    assert.deepEqual(
      result.ips?.map(({ address }) => address),
      old.result.ips?.map(({ address }) => address),
    );
    await end(old.sandbox);
    assert.equal((await footprint(node)).held.length, 2);
    await runtime.check(dual, renewed);
    renewed.run('ping', '-c1', '-W10', nodeAddress[4]);
    await end(renewed);
  });

  test('GC removes only the attachments that the runtime does not list', async () => {
    const [kept, stale, foreign] = [
      await attached(),
      await attached(),
      await attached(underlay(poolsOf([4, 6]), { name: 'other' })),
    ];
    stale.sandbox.dropNamespace();
    const valid = [{ containerID: kept.sandbox.id, ifname: 'eth0' }];
    const version = { cniVersion: '1.1.0', name: 'underlay' };
    for (const type of ['coordinator', 'spiderpool']) {
      const plugin = { type, ipam: { type: 'spiderpool' }, 'cni.dev/valid-attachments': valid };
      const { exit, stdout } = await runtime.call('GC', { ...version, plugins: [] }, plugin);
      assert.equal(exit, 0, stdout);
    }
    assert.deepEqual(
      (await footprint(node)).attachments,
      [kept, foreign].map(({ sandbox }) => `${sandbox.id}+eth0.json`).toSorted(),
    );
    await runtime.check(dual, kept.sandbox);
    await runtime.del(dual, stale.sandbox);
    await end(kept.sandbox);
    await end(foreign.sandbox, underlay(poolsOf([4, 6]), { name: 'other' }));
  });

  test('STATUS succeeds while the agent serves, and is error 50 at once while it is away', async () => {
    const version = { cniVersion: '1.1.0', name: 'underlay', plugins: [] };
    const status = (type: string) => runtime.call('STATUS', version, { type, ipam: { type: 'spiderpool' } });
    for (const type of ['coordinator', 'spiderpool']) assert.equal((await status(type)).exit, 0);
    await node.agent.stop();
    for (const type of ['coordinator', 'spiderpool']) {
      const { exit, json, elapsedMs } = await status(type);
      assert.deepEqual([exit, json?.code], [1, 50]);
      assert.ok(elapsedMs < 8000, `${elapsedMs} ms`);
    }
    await node.startAgent();
  });

  test('fifty pods at once get fifty addresses of each family', async () => {
    const sandboxes = await Promise.all(Array.from({ length: 50 }, () => sandboxOfNewPod()));
    const results = await Promise.all(sandboxes.map((sandbox) => runtime.add(dual, sandbox)));
    const addresses = results.flatMap(({ ips = [] }) => ips.map(({ address }) => address));
    assert.equal(new Set(addresses).size, 100);
    await Promise.all(sandboxes.map((sandbox) => runtime.check(dual, sandbox)));
    await Promise.all(sandboxes.map((sandbox) => end(sandbox)));
  });

  test('the test fixture removes what a failed test left behind', async () => {
    const { sandbox } = await attached();
    await attached();
    await runtime.clear();
    assert.equal(existsSync(sandbox.netns), false);
  });

  test('the test fixture reports a refusal with its code', async () => {
    const stranger = new Sandbox({ name: 'nobody' });
    await assert.rejects(
      runtime.add(dual, stranger),
      (error) => error instanceof CniFailure && error.code === 4,
    );
    await end(stranger);
  });
}
