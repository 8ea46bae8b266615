// User errors. The message names field, value and allowed values, and the code is the specification's. Nothing is allocated or left.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type KubeObject, type Namespace, type ResourceType, resources } from '#api';
import { servedTypes } from '#cni';
import { kernelLines } from '../conformance/kernel-state.ts';
import { footprint, leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { OneNode } from './one-node.ts';
import { runProgram } from './program.ts';
import { CniFailure, type Network, Runtime, Sandbox, underlay } from './runtime.ts';

const annotation = (name: string, value: unknown) => ({
  [`ipam.spidernet.io/${name}`]: typeof value === 'string' ? value : JSON.stringify(value),
});
/** Error codes of the CNI specification, section "Error". */
const codes = { environment: 4, decode: 6, configuration: 7, tryAgain: 11 } as const;

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const usual = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
  const unnamed = underlay({});
  let node: OneNode;
  let podNumber = 0;

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    await node.createPool('one-address', 4, { ips: ['10.6.9.9'] });
    await node.createPool('switched-off', 4, { ips: ['10.6.9.10'], disable: true });
    await node.client.create(resources.namespaces, { metadata: { name: 'shop' } } as Namespace);
    const sandbox = await sandboxOfNewPod({});
    await runtime.add(usual, sandbox);
    await end(sandbox);
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  function sandboxOfNewPod(annotations: Record<string, string>, namespace = 'default'): Promise<Sandbox> {
    return Sandbox.ofNewPod(node, `pod-${++podNumber}`, { annotations, namespace });
  }

  async function end(sandbox: Sandbox): Promise<void> {
    await runtime.del(usual, sandbox);
    sandbox.dropNamespace();
  }

  /** ADD is refused with this code and these words. IPAM alone has changed nothing. After the chain's DEL, all is as before. */
  async function refused(sandbox: Sandbox, network: Network, code: number, words: RegExp): Promise<void> {
    const empty = kernelLines(sandbox.netns.split('/').at(-1));
    await assert.rejects(runtime.add(network, sandbox), (error) => {
      assert.ok(error instanceof CniFailure, String(error));
      assert.match(error.message, words);
      assert.equal(error.code, code, error.message);
      return true;
    });
    await runtime.del(network, sandbox).catch(() => {}); // a configuration that cannot be read cannot be deleted by either
    const left = kernelLines(sandbox.netns.split('/').at(-1)).filter((line) => !empty.includes(line));
    // The reference macvlan leaves its link when the IPAM plugin refuses. The end of the sandbox removes the link.
    assert.deepEqual(
      left.filter((line) => !/\beth0\b/.test(line)),
      [],
    );
    sandbox.dropNamespace();
  }

  describe('annotations of a pod', () => {
    const cases: [what: string, annotations: Record<string, string>, code: number, words: RegExp][] = [
      [
        'ippools that is not JSON',
        annotation('ippools', '[{"ipv4":["v4"]'),
        codes.configuration,
        /ippools.*\[\{\\"ipv4\\":\[\\"v4\\"\].* is not valid JSON/,
      ],
      [
        'ippools that is not a list',
        annotation('ippools', { ipv4: ['v4'] }),
        codes.configuration,
        /ippools.*must be of type array/,
      ],
      [
        'ippools without an entry',
        annotation('ippools', []),
        codes.configuration,
        /ippools: \[\]: must have at least one entry/,
      ],
      [
        'ippools with an unknown key',
        annotation('ippools', [{ ipv4: ['v4'], ipv5: ['x'] }]),
        codes.configuration,
        /ippools.*\[0\].*unknown keys: ipv5/,
      ],
      [
        'ippools whose pool list is not a list',
        annotation('ippools', [{ ipv4: 'v4' }]),
        codes.configuration,
        /\[0\]\.ipv4.*"v4" must be of type array/,
      ],
      [
        'ippools without a pool',
        annotation('ippools', [{ interface: 'eth0' }]),
        codes.configuration,
        /\[0\].*must name a pool in ipv4 or ipv6/,
      ],
      [
        'two NICs of the same name',
        annotation('ippools', [
          { interface: 'eth0', ipv4: ['v4'] },
          { interface: 'eth0', ipv6: ['v6'] },
        ]),
        codes.configuration,
        /interface eth0 appears twice; allowed: one entry/,
      ],
      [
        'a malformed interface name',
        annotation('ippools', [{ interface: 'eth/0', ipv4: ['v4'] }]),
        codes.configuration,
        /\[0\]\.interface: "eth\/0" must match/,
      ],
      [
        'ippools that lack the NIC of this call',
        annotation('ippools', [{ interface: 'net1', ipv4: ['v4'] }]),
        codes.configuration,
        /interface eth0 must be specified; it has net1/,
      ],
      [
        'some entries with and others without an interface',
        annotation('ippools', [{ interface: 'eth0', ipv4: ['v4'] }, { ipv4: ['v4'] }]),
        codes.configuration,
        /either all entries have an interface or none/,
      ],
      [
        'an unknown pool',
        annotation('ippool', { ipv4: ['nosuch'] }),
        codes.configuration,
        /"nosuch" not found: Pod annotation ipam\.spidernet\.io\/ippool names it for NIC eth0/,
      ],
      [
        'a wildcard that matches no pool',
        annotation('ippool', { ipv4: ['shop-*'] }),
        codes.configuration,
        /no IPv4 IPPool matches \[shop-\*\]/,
      ],
      [
        'the same pool twice',
        annotation('ippool', { ipv4: ['v4', 'v4'] }),
        codes.configuration,
        /duplicate IPPool v4 specified for NIC eth0/,
      ],
      [
        'an IPv6 pool among those of IPv4',
        annotation('ippool', { ipv4: ['v6'] }),
        codes.configuration,
        /expect an IPv4 IPPool, but the version of the IPPool v6 is IPv6/,
      ],
      [
        'a disabled pool',
        annotation('ippool', { ipv4: ['switched-off'] }),
        codes.configuration,
        /switched-off/,
      ],
      [
        'ippool that is not JSON',
        annotation('ippool', 'v4'),
        codes.configuration,
        /annotation ipam\.spidernet\.io\/ippool: "v4" is not valid JSON/,
      ],
      [
        'ippool without a pool',
        annotation('ippool', {}),
        codes.configuration,
        /ippool: \{\}: must name a pool/,
      ],
      [
        'routes that are not JSON',
        annotation('routes', '{'),
        codes.configuration,
        /annotation ipam\.spidernet\.io\/routes: "\{" is not valid JSON/,
      ],
      [
        'a route without gateway',
        annotation('routes', [{ dst: '10.9.0.0/16' }]),
        codes.configuration,
        /routes: \[0\]\.gw: is required/,
      ],
      [
        'a route to a malformed network',
        annotation('routes', [{ dst: 'there', gw: '10.6.0.1' }]),
        codes.configuration,
        /routes: \[0\].*there/,
      ],
      [
        'a route with a gateway of the other family',
        annotation('routes', [{ dst: '10.9.0.0/16', gw: 'fd00::1' }]),
        codes.configuration,
        /dst 10\.9\.0\.0\/16 and gw fd00::1 must be of one family/,
      ],
      [
        'a subnet for a pod without a workload',
        annotation('subnet', { ipv4: ['s'] }),
        codes.configuration,
        /SpiderSubnet feature doesn't support no-controller pod: make a Deployment/,
      ],
    ];
    for (const [what, annotations, code, words] of cases) {
      test(what, async () => {
        await refused(await sandboxOfNewPod(annotations), usual, code, words);
      });
    }
  });

  describe('annotations of a namespace', () => {
    const cases: [what: string, annotations: Record<string, string>, words: RegExp][] = [
      [
        'default pools that are not JSON',
        annotation('default-ipv4-ippool', 'v4'),
        /Namespace annotation ipam\.spidernet\.io\/default-ipv4-ippool: "v4" is not valid JSON/,
      ],
      [
        'default pools that are not a list',
        annotation('default-ipv6-ippool', { pool: 'v6' }),
        /default-ipv6-ippool: .*must be of type array/,
      ],
      [
        'an unknown default pool',
        annotation('default-ipv4-ippool', ['nosuch']),
        /"nosuch" not found: Namespace annotation names it/,
      ],
    ];
    for (const [what, annotations, words] of cases) {
      test(what, async () => {
        const patch = { type: 'merge', body: { metadata: { annotations } } } as const;
        await node.client.patch(resources.namespaces, { name: 'shop' }, patch);
        try {
          const sandbox = await sandboxOfNewPod({}, 'shop');
          await refused(sandbox, unnamed, codes.configuration, words);
        } finally {
          const cleared = Object.fromEntries(Object.keys(annotations).map((key) => [key, null]));
          const undo = { type: 'merge', body: { metadata: { annotations: cleared } } } as const;
          await node.client.patch(resources.namespaces, { name: 'shop' }, undo);
        }
      });
    }
  });

  test('the error for an exhausted pool names the pool, and the address stays with its pod', async () => {
    const holder = await sandboxOfNewPod(annotation('ippool', { ipv4: ['one-address'] }));
    await runtime.add(usual, holder);
    const late = await sandboxOfNewPod(annotation('ippool', { ipv4: ['one-address'], ipv6: ['v6'] }));
    await assert.rejects(runtime.add(usual, late), (error) => {
      assert.ok(error instanceof CniFailure);
      assert.equal(error.code, codes.tryAgain);
      assert.match(error.message, /IPv4 IP address to NIC eth0 from IPPools \[one-address\]/);
      return true;
    });
    assert.deepEqual((await footprint(node)).held, ['one-address 10.6.9.9']);
    await end(late);
    await runtime.check(usual, holder);
    await end(holder);
  });

  test('without a named pool and without a default pool, the error says so', async () => {
    await refused(
      await sandboxOfNewPod({}),
      unnamed,
      codes.configuration,
      /no IPPool available, no pool selection rules/,
    );
  });

  describe('network configurations', () => {
    const ipam = (fields: object) => underlay({ ipv4: ['v4'] }, { ipam: fields as Record<string, unknown> });
    const coordinator = (fields: Record<string, unknown>) =>
      underlay({ ipv4: ['v4'] }, { coordinator: fields });
    const cases: [what: string, network: Network, words: RegExp][] = [
      [
        'default_ipv4_ippool that is not a list',
        ipam({ default_ipv4_ippool: 'v4' }),
        /default_ipv4_ippool: "v4" must be of type array/,
      ],
      [
        'an unknown pool',
        ipam({ default_ipv4_ippool: ['nosuch'] }),
        /"nosuch" not found: CNI configuration names it/,
      ],
      [
        'clean_gateway that is not a boolean',
        ipam({ clean_gateway: 'yes' }),
        /clean_gateway: "yes" must be of type boolean/,
      ],
      [
        'a match_master_subnet that is a string',
        ipam({ match_master_subnet: 'yes' }),
        /match_master_subnet: "yes" must be of type boolean/,
      ],
      [
        'an unknown mode',
        coordinator({ mode: 'sideways' }),
        /mode: "sideways" is not one of auto, underlay, overlay, disable/,
      ],
      [
        'a malformed hijack CIDR',
        coordinator({ hijackCIDR: ['10.0.0.0/33'] }),
        /hijackCIDR\[0\]: "10\.0\.0\.0\/33"/,
      ],
      [
        'a MAC prefix of multicast addresses',
        coordinator({ podMACPrefix: '01:00' }),
        /podMACPrefix: "01:00" must be the first two bytes of a unicast MAC/,
      ],
      ['an rp_filter value that the kernel does not have', coordinator({ podRPFilter: 3 }), /podRPFilter: 3/],
      [
        'a negative routing table',
        coordinator({ hostRuleTable: -1 }),
        /hostRuleTable: -1 must be at least 0/,
      ],
      ['an MTU that a veth cannot have', coordinator({ vethMTU: 5 }), /vethMTU: 5 must be at least 68/],
      [
        'a policy route with two families',
        coordinator({ policyRoutes: [{ dst: '10.0.0.0/8', gw: 'fd00::1' }] }),
        /policyRoutes\[0\].*same IP family/,
      ],
    ];
    for (const [what, network, words] of cases) {
      test(what, async () => {
        await refused(await sandboxOfNewPod({}), network, codes.configuration, words);
      });
    }

    test('coordinator without a previous result', async () => {
      const sandbox = await sandboxOfNewPod({});
      const run = await runtime.call('ADD', usual, { type: 'coordinator' }, { sandbox });
      assert.deepEqual([run.exit, run.json?.code], [1, codes.configuration]);
      assert.match(String(run.json?.msg), /prevResult is missing/);
      await end(sandbox);
    });
  });

  describe('who the pod is', () => {
    const cases: [what: string, args: string | undefined, words: RegExp][] = [
      ['no CNI_ARGS', undefined, /CNI_ARGS lacks K8S_POD_NAMESPACE and K8S_POD_NAME/],
      ['CNI_ARGS without a value', 'IgnoreUnknown', /CNI_ARGS.*IgnoreUnknown/],
      [
        'a pod that does not exist',
        'K8S_POD_NAMESPACE=default;K8S_POD_NAME=nobody',
        /Pod default\/nobody not found/,
      ],
      [
        'another pod of the same name',
        'K8S_POD_NAMESPACE=default;K8S_POD_NAME=pod-1;K8S_POD_UID=0-0',
        /Pod default\/pod-1 has UID .*, not 0-0/,
      ],
    ];
    for (const [what, args, words] of cases) {
      test(what, async () => {
        const sandbox = await sandboxOfNewPod({});
        const plugin = { type: 'spiderpool', ipam: usual.plugins[0]?.ipam };
        const run = await runtime.call('ADD', usual, plugin, { sandbox, env: { CNI_ARGS: args } });
        assert.deepEqual([run.exit, run.json?.code], [1, codes.environment], run.stdout);
        assert.match(String(run.json?.msg), words);
        await end(sandbox);
      });
    }
  });

  describe('sizes', () => {
    for (const length of [200, 300, 5000]) {
      test(`a container id of ${length} characters is accepted`, async () => {
        const sandbox = await sandboxOfNewPod({});
        const env = { CNI_CONTAINERID: 'c'.repeat(length) };
        await runtime.add(usual, sandbox, { env });
        await runtime.check(usual, sandbox, { env });
        await runtime.del(usual, sandbox, { env });
        sandbox.dropNamespace();
      });
    }

    test('20,000 nested arrays on stdin are refused with the limit, in the requested version', async () => {
      const sandbox = await sandboxOfNewPod({});
      const nested = JSON.parse('['.repeat(1000) + ']'.repeat(1000)) as unknown;
      const deep = '['.repeat(20_000) + ']'.repeat(20_000);
      const usualEnv = {
        CNI_COMMAND: 'ADD',
        CNI_CONTAINERID: 'a',
        CNI_NETNS: sandbox.netns,
        CNI_IFNAME: 'eth0',
      };
      for (const { name: type } of servedTypes) {
        const stdin = `{"cniVersion":"0.4.0","name":"net","type":"${type}","x":${deep}}`;
        const run = await runtime.exec(type, { ...usualEnv, CNI_PATH: '/opt/cni/bin' }, stdin);
        assert.deepEqual([run.exit, run.json?.code, run.json?.cniVersion], [1, codes.decode, '0.4.0']);
        assert.match(String(run.json?.msg), /nested more than 200 levels deep; allowed: 200/);
        const less = await runtime.call('ADD', usual, { type, x: nested }, { sandbox });
        assert.deepEqual([less.exit, less.json?.code], [1, codes.decode]);
      }
      await end(sandbox);
    });

    test('more than 4 MiB on stdin are refused with the limit', async () => {
      const sandbox = await sandboxOfNewPod({});
      const plugin = { type: 'coordinator', x: 'x'.repeat(5 * 1024 * 1024) };
      const run = await runtime.call('ADD', usual, plugin, { sandbox });
      assert.deepEqual([run.exit, run.json?.code, run.json?.cniVersion], [1, codes.configuration, '1.0.0']);
      assert.match(String(run.json?.msg), /larger than 4 MiB/);
      await end(sandbox);
    });
  });

  describe('a CNI_NETNS that is no network namespace', () => {
    test('a FIFO: ADD and CHECK fail with its path, DEL removes the attachment, and no other pod waits', async () => {
      const fifo = '/run/fifo';
      runProgram('mkfifo', [fifo]);
      const sandbox = await sandboxOfNewPod({});
      const result = await runtime.add(usual, sandbox);
      const call = { sandbox, prevResult: result, env: { CNI_NETNS: fifo } };
      const plugins = [
        { type: 'spiderpool', ipam: usual.plugins[0]?.ipam },
        { type: 'coordinator' },
        { type: 'ifacer', interfaces: ['lan0'], vlanID: 5 },
      ];
      for (const plugin of plugins) {
        const added = await runtime.call('ADD', usual, plugin, call);
        assert.deepEqual([added.exit, added.json?.code], [1, codes.environment], added.stdout);
        assert.match(String(added.json?.msg), /"\/run\/fifo" is not a network namespace/);
      }
      const checked = await runtime.call('CHECK', usual, { type: 'coordinator' }, call);
      assert.deepEqual([checked.exit, checked.json?.code], [1, codes.environment], checked.stdout);
      const other = await sandboxOfNewPod({});
      await runtime.add(usual, other);
      await end(other);
      for (const plugin of plugins.toReversed()) {
        const { exit, stdout } = await runtime.call('DEL', usual, plugin, call);
        assert.deepEqual([exit, stdout], [0, '']);
      }
      sandbox.dropNamespace();
    });
  });

  describe('CRD objects', () => {
    const pool = (spec: object) => ({ metadata: { name: 'new' }, spec: { subnet: '10.6.0.0/16', ...spec } });
    const cases: [what: string, type: ResourceType, object: object, words: RegExp][] = [
      [
        'a pool without subnet',
        resources.spiderIPPools,
        { metadata: { name: 'new' }, spec: {} },
        /spec\.subnet: Required value/,
      ],
      [
        'a malformed subnet',
        resources.spiderIPPools,
        pool({ subnet: '10.6.0.0/33' }),
        /spec\.subnet: Invalid value: "10\.6\.0\.0\/33"/,
      ],
      [
        'an address outside the subnet',
        resources.spiderIPPools,
        pool({ ips: ['10.7.0.1'] }),
        /spec\.ips\[0\]: Invalid value: "10\.7\.0\.1": not match base subnet/,
      ],
      [
        'a range whose end is below its start',
        resources.spiderIPPools,
        pool({ ips: ['10.6.8.9-10.6.8.1'] }),
        /spec\.ips\[0\]: Invalid value: "10\.6\.8\.9-10\.6\.8\.1"/,
      ],
      [
        'an address of the other family',
        resources.spiderIPPools,
        pool({ ips: ['fd00::1'] }),
        /spec\.ips\[0\]: Invalid value: "fd00::1"/,
      ],
      ['an unknown IP version', resources.spiderIPPools, pool({ ipVersion: 5 }), /spec\.ipVersion: .*5/],
      [
        'a gateway outside the subnet',
        resources.spiderIPPools,
        pool({ gateway: '10.7.0.1' }),
        /spec\.gateway: Invalid value: "10\.7\.0\.1"/,
      ],
      [
        'addresses of another pool',
        resources.spiderIPPools,
        pool({ ips: ['10.6.1.250-10.6.1.255'] }),
        /spec\.ips: Forbidden: overlap with IPPool v4 in IP ranges \[10\.6\.1\.250\]/,
      ],
      [
        'a subnet that overlaps that of another pool',
        resources.spiderIPPools,
        pool({ subnet: '10.6.128.0/17' }),
        /spec\.subnet: Invalid value: "10\.6\.128\.0\/17": overlap with IPPool/,
      ],
      [
        'a reservation of a malformed address',
        resources.spiderReservedIPs,
        { metadata: { name: 'new' }, spec: { ips: ['10.6.0.300'] } },
        /spec\.ips\[0\].*10\.6\.0\.300|10\.6\.0\.300/,
      ],
      [
        'a coordinator with an unknown mode',
        resources.spiderCoordinators,
        { metadata: { name: 'new' }, spec: { mode: 'sideways' } },
        /spec\.mode: Unsupported value: "sideways"/,
      ],
      [
        'a network with an unknown type',
        resources.spiderMultusConfigs,
        { metadata: { name: 'new', namespace: 'default' }, spec: { cniType: 'token-ring' } },
        /spec\.cniType: Unsupported value: "token-ring"/,
      ],
    ];
    for (const [what, type, object, words] of cases) {
      test(what, async () => {
        await assert.rejects(node.client.create(type, object as KubeObject), words);
      });
    }

    test('another subnet for an existing pool', async () => {
      const patch = { type: 'merge', body: { spec: { subnet: '10.8.0.0/16' } } } as const;
      const words = /spec: Invalid value: .*subnet is immutable/;
      await assert.rejects(node.client.patch(resources.spiderIPPools, { name: 'v4' }, patch), words);
    });

    test('a pool cannot be deleted, and an address cannot be removed from it, while a pod holds one', async () => {
      const sandbox = await sandboxOfNewPod({});
      await runtime.add(usual, sandbox);
      await assert.rejects(node.client.delete(resources.spiderIPPools, { name: 'v4' }), /1 are in use/);
      const patch = { type: 'merge', body: { spec: { ips: ['10.6.1.200'] } } } as const;
      await assert.rejects(
        node.client.patch(resources.spiderIPPools, { name: 'v4' }, patch),
        /spec\.ips: Forbidden: remove IP ranges \[10\.6\.1\.[0-9]+\] that is being used/,
      );
      await end(sandbox);
    });
  });

  describe('command lines', () => {
    const root = join(import.meta.dirname, '../..');
    const runBuilt = (program: string, args: readonly string[]) =>
      spawnSync(process.execPath, [join(root, `dist/${program}.mjs`), ...args], {
        encoding: 'utf8',
        timeout: 10_000,
        env: {},
      });
    const conf = (text: string) => {
      const file = join(node.folder, 'wrong.yml');
      writeFileSync(file, text);
      return file;
    };
    const cases: [what: string, program: string, args: () => string[], words: RegExp][] = [
      [
        'an agent without the name of its node',
        'agent',
        () => [],
        /--node-name or SPIDERPOOL_NODE_NAME is missing/,
      ],
      ['an unknown option', 'agent', () => ['--nodename', 'a'], /--nodename/],
      [
        'a malformed health port',
        'agent',
        () => ['--node-name', 'a', '--kubeconfig', node.kubeconfig, '--health-port', '70000'],
        /--health-port "70000" is not a port of 0 to 65535 or "none"/,
      ],
      [
        'a kubeconfig that does not exist',
        'agent',
        () => ['--node-name', 'a', '--kubeconfig', '/nowhere'],
        /cannot read \/nowhere/,
      ],
      [
        'a configuration with a value out of range',
        'agent',
        () => ['--node-name', 'a', '--config-path', conf('orbweaver: {maxConcurrentRequests: 0}')],
        /agent configuration: orbweaver\.maxConcurrentRequests: 0 must be at least 1/,
      ],
      [
        'a configuration with an unknown key',
        'agent',
        () => ['--node-name', 'a', '--config-path', conf('orbweaver: {socket: /x}')],
        /orbweaver.*unknown keys: socket/,
      ],
      [
        'a configuration that is not YAML',
        'agent',
        () => ['--node-name', 'a', '--config-path', conf('a: [')],
        /the agent's configuration .* is not YAML: .*line 1/,
      ],
      [
        'an unknown log level',
        'agent',
        () => ['--node-name', 'a', '--log-level', 'loud'],
        /--log-level "loud": allowed are debug, info, warn, error, fatal, panic/,
      ],
      ['an API server without a folder for its data', 'apiserver', () => [], /--data-dir is missing/],
      [
        'a malformed listen address',
        'apiserver',
        () => [
          '--data-dir',
          join(node.folder, 'x'),
          '--token-file',
          join(node.folder, 'y'),
          '--listen',
          'here',
        ],
        /--listen 'here': allowed: HOST:PORT/,
      ],
      [
        'a malformed service network',
        'apiserver',
        () => [
          '--data-dir',
          join(node.folder, 'x'),
          '--token-file',
          join(node.folder, 'y'),
          '--service-cidr',
          '10.96.0.1/16',
        ],
        /10\.96\.0\.1\/16/,
      ],
    ];
    for (const [what, program, args, words] of cases) {
      test(what, () => {
        const { status, stderr, stdout } = runBuilt(program, args());
        assert.equal(status, 2, `${stdout}${stderr}`);
        assert.match(stderr, words);
        assert.doesNotMatch(stderr, /^\s+at /m, 'an error for users has no stack trace');
      });
    }

    test('a second agent on one node', () => {
      const { status, stderr, stdout } = runBuilt('agent', [
        '--node-name',
        'a',
        '--kubeconfig',
        node.kubeconfig,
        '--health-port',
        'none',
      ]);
      assert.equal(status, 2, stdout);
      assert.match(stderr, /another agent serves this socket/);
    });
  });
}
