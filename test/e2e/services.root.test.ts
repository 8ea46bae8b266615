// Services in socket calls: the agent, the kernel's programs, and sockets in a cgroup of their own.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EndpointSlice, resources, type Service } from '#api';
import { insideNamespaces } from './namespaces.ts';
import { nodeName, OneNode } from './one-node.ts';
import { Daemon, runProgram, until } from './program.ts';
import { Runtime, Sandbox, underlay } from './runtime.ts';

const dist = join(import.meta.dirname, '../../dist');
const vip = '10.96.0.50';
const [first, second] = ['127.1.0.1', '127.1.0.2'] as const;

if (insideNamespaces(import.meta.filename)) {
  const mounts = mkdtempSync(join(tmpdir(), 'ow-services-'));
  const group = join(mounts, 'cgroup2', basename(mounts));
  const folder = join(mounts, 'bpf/orbweaver');
  let node: OneNode;
  let home: string;

  const conf = (serviceMode: string) => ({
    ...{ serviceMode, serviceCgroup: group, serviceBpfFolder: folder },
  });
  const enter = (path: string) => writeFileSync(join(path, 'cgroup.procs'), '0');

  before(async () => {
    runProgram('mount', ['--make-rprivate', '/']);
    for (const kind of ['bpf', 'cgroup2']) {
      mkdirSync(join(mounts, kind));
      runProgram('mount', ['-t', kind, 'none', join(mounts, kind)]);
    }
    const [, own = '/'] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
    home = join(mounts, 'cgroup2', own);
    mkdirSync(group);
    // All programs that the test starts are in the cgroup then, the agent too.
    enter(group);
    node = await OneNode.start({ agent: conf('ebpf') });
    for (const host of [first, second]) {
      const server = createServer((socket) => socket.on('error', () => {}).end(host));
      await once(server.listen(8080, host).unref(), 'listening');
      const udp = createSocket('udp4');
      udp.on('message', (_, from) => udp.send(host, from.port, from.address));
      await once(udp.bind(8080, host).unref(), 'listening');
    }
    await node.client.create(resources.services, {
      metadata: { namespace: 'default', name: 'shop' },
      spec: {
        clusterIP: vip,
        ports: [
          { name: 'web', port: 80, protocol: 'TCP' },
          { name: 'names', port: 53, protocol: 'UDP' },
        ],
      },
    } as Service);
    await node.client.create(resources.endpointSlices, slice(first));
  });
  after(async () => {
    await node.stop();
    enter(home);
    // The kernel frees a cgroup some time after its last process has ended.
    await until('the end of the cgroup', () => {
      try {
        rmdirSync(group);
        return true;
      } catch {
        return false;
      }
    });
    for (const kind of ['bpf', 'cgroup2']) runProgram('umount', [join(mounts, kind)]);
    rmSync(mounts, { recursive: true });
  });

  function slice(...hosts: readonly string[]): EndpointSlice {
    return {
      metadata: { namespace: 'default', name: 'shop-1', labels: { 'kubernetes.io/service-name': 'shop' } },
      addressType: 'IPv4',
      ports: [
        { name: 'web', port: 8080, protocol: 'TCP' },
        { name: 'names', port: 8080, protocol: 'UDP' },
      ],
      endpoints: hosts.map((host) => ({ addresses: [host], conditions: { ready: true } })),
    };
  }

  async function setBackends(...hosts: readonly string[]): Promise<void> {
    const { metadata } = await node.client.get(resources.endpointSlices, {
      ...{ namespace: 'default', name: 'shop-1' },
    });
    await node.client.update(resources.endpointSlices, { ...slice(...hosts), metadata });
  }

  /** Who answers a TCP connection, or the errno. */
  async function ask(host = vip): Promise<string> {
    const socket = connect({ host, port: 80 });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(60_000) });
      return await text(socket);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    } finally {
      socket.on('error', () => {}).destroy();
    }
  }

  async function measured(name: string): Promise<number> {
    // A kept connection may be one to the agent that ran before.
    const headers = { connection: 'close' };
    // An agent that has just started listens to CNI requests first.
    const page = await fetch('http://127.0.0.1:5710/metrics', { headers }).catch(() => undefined);
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec((await page?.text()) ?? '')?.[1]);
  }

  /** The kernel takes programs away some time after the last name of their link is gone (bpf_link_put). */
  const untilAway = () => until('the end of the programs', async () => (await ask()) !== second);

  const isOn = async () => (await measured('orbweaver_socket_services_on')) === 1;

  test('a Service is served by its backend, and the agent says that it serves', async () => {
    await until('the Service is served', async () => (await ask()) === first);
    await until('the state on', isOn);
    // Two ports of the Service, two of the agent's own test Service, and that of the API server.
    assert.equal(await measured('orbweaver_socket_services_entries'), 5);
    assert.equal(await ask(`::ffff:${vip}`), first);
  });

  test('an answer by UDP comes from the address of the Service', async () => {
    const socket = createSocket('udp4');
    socket.send('?', 53, vip);
    const [bytes, { address, port }] = (await once(socket, 'message')) as [
      Buffer,
      { address: string; port: number },
    ];
    socket.close();
    assert.deepEqual([bytes.toString(), address, port], [first, vip, 53]);
  });

  test('orbctl tells what serves an address, and what does not', () => {
    const orbctl = (...args: string[]) =>
      spawnSync(process.execPath, [join(dist, 'orbctl.mjs'), 'service', ...args], { encoding: 'utf8' });
    const found = orbctl('explain', `${vip}:80`);
    assert.equal(found.status, 0);
    assert.match(
      found.stdout,
      /^TCP 10\.96\.0\.50:80 of Service default\/shop: a new socket gets the one backend$/m,
    );
    assert.match(found.stdout, /^ +127\.1\.0\.1:8080 +new and old$/m);
    assert.equal(orbctl('explain', `${vip}:81`).status, 1);
    assert.match(orbctl('list').stdout, /^default\/shop +UDP +10\.96\.0\.50:53 +1 +0 +1 +0$/m);
    assert.match(orbctl('backends', 'shop').stdout, /^UDP 10\.96\.0\.50:53 of Service default\/shop/m);
  });

  test('other backends are used when the EndpointSlice changes, and without any the connection is refused', async () => {
    await setBackends(second);
    await until('the other backend', async () => (await ask()) === second);
    await setBackends();
    await until('the refusal', async () => (await ask()) === 'ECONNREFUSED');
  });

  test('a program that waits at a connected UDP socket hears that the backend is gone', async () => {
    await setBackends(first);
    await until('the backend', async () => (await ask()) === first);
    const socket = createSocket('udp4');
    const failure = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
    socket.connect(53, vip);
    await once(socket, 'connect');
    await setBackends(second);
    const [{ code }] = await failure;
    socket.close();
    assert.equal(code, 'ECONNABORTED');
    assert.equal(await measured('orbweaver_socket_services_ended_sockets_total'), 1);
  });

  test('a pod whose annotation says kube-proxy sends to the address of the Service', async () => {
    await node.createPools();
    const runtime = new Runtime();
    const network = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
    const annotations = { 'orbweaver.io/service-mode': 'kube-proxy' };
    const plain = await Sandbox.ofNewPod(node, 'plain');
    const mesh = await Sandbox.ofNewPod(node, 'mesh', { annotations });
    for (const sandbox of [plain, mesh]) {
      await runtime.add(network, sandbox);
      sandbox.run('ip', 'link', 'set', 'lo', 'up');
    }
    // The backend is at the loopback, so the source tells where the packets go.
    const script = `const socket = require('node:dgram').createSocket('udp4');
      socket.connect(53, '${vip}', () => { console.log(socket.address().address); socket.close(); })`;
    const source = (sandbox: Sandbox) => sandbox.run(process.execPath, '-e', script).trim();
    assert.equal(source(plain), '127.0.0.1');
    await until('the pod is left alone', () => source(mesh).startsWith('10.6.'));
    assert.equal(source(plain), '127.0.0.1');
    const env = { ...process.env, KUBECONFIG: node.kubeconfig, NODE_NAME: nodeName };
    const traced = (pod: string) =>
      spawnSync(
        process.execPath,
        [join(dist, 'orbctl.mjs'), 'trace', pod, `${vip}:53`, '--protocol', 'udp'],
        {
          ...{ encoding: 'utf8', env },
        },
      ).stdout;
    const resolved = new RegExp(
      `resolved in the socket call: packets go to the one backend, ${second}:8080\n`,
    );
    assert.match(traced('plain'), resolved);
    assert.doesNotMatch(traced('mesh'), /socket call/);
    for (const sandbox of [plain, mesh]) await runtime.del(network, sandbox);
  });

  test('without an agent Services are served as before, and the next agent brings what has changed', async () => {
    await setBackends(first);
    await until('the backend', async () => (await ask()) === first);
    await node.agent.stop('SIGKILL');
    assert.equal(await ask(), first);
    await setBackends(second);
    assert.equal(await ask(), first);
    await node.startAgent();
    await until('the other backend', async () => (await ask()) === second);
    await until('the state on', isOn);
  });

  test('while endpoints change and the agent is killed at any time, a connection reaches an endpoint or is refused', async () => {
    const states = [[first], [second], [], [first, second]];
    const seen = new Map<string, number>();
    let isDone = false;
    const asking = Array.from({ length: 8 }, async () => {
      for (; !isDone; ) {
        const said = await ask();
        seen.set(said, (seen.get(said) ?? 0) + 1);
      }
    });
    const changing = (async () => {
      for (let round = 0; !isDone; round++) {
        await setBackends(...(states[round % states.length] ?? []));
        await sleep(10);
      }
    })();
    const expected = [first, second, 'ECONNREFUSED'];
    for (let kill = 0; kill < 10; kill++) {
      await sleep(1_500 * Math.random());
      await node.agent.stop('SIGKILL');
      await node.agent.start(() => true);
    }
    await node.agent.stop('SIGKILL');
    await node.startAgent();
    await until('all that can be said', () => expected.every((said) => seen.has(said)));
    isDone = true;
    await Promise.all([...asking, changing]);
    assert.deepEqual([...seen.keys()].toSorted(), expected, JSON.stringify([...seen]));
    await setBackends(second);
    await until('the other backend', async () => (await ask()) === second);
    await until('the state on', isOn);
  });

  test('the state is not on while the agent itself is outside of the cgroup, and why is said', async () => {
    const { pid } = node.agent;
    writeFileSync(join(home, 'cgroup.procs'), String(pid));
    await until('the state off', async () => !(await isOn()));
    assert.match(node.agent.log, /SOCKET_SERVICES_OFF/);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    await until('the state on', isOn);
  });

  test('the SpiderCoordinator comes before the configuration of the agent, and switches while the agent runs', async () => {
    const setMode = (serviceMode: string | null) =>
      node.client.patch(
        resources.spiderCoordinators,
        { name: 'default' },
        { type: 'merge', body: { spec: { serviceMode } } },
      );
    await setMode('kube-proxy');
    await untilAway();
    // The programs are let go first, and their folder a moment later.
    await until('the end of the folder', () => !existsSync(folder));
    await setMode('auto');
    await until('the state on', isOn);
    assert.equal(await ask(), second);
    await setMode(null);
    assert.equal(await ask(), second);
  });

  test('an uninstallation takes the programs away', async () => {
    await node.agent.stop();
    assert.equal(await ask(), second);
    const removal = new Daemon('removal', node.folder, [
      ...([process.execPath, join(dist, 'agent.mjs'), '--uninstall', '--node-name', nodeName] as const),
      ...['--config-path', join(node.folder, 'conf.yml'), '--health-port', '5711'],
      ...['--install-from', join(dist, 'ow-cni')],
    ]);
    await removal.start(async () => {
      const answer = await fetch('http://127.0.0.1:5711/v1/runtime/readiness').catch(() => undefined);
      return answer?.ok === true;
    });
    await untilAway();
    // The programs are let go first, and their folder a moment later.
    await until('the end of the folder', () => !existsSync(folder));
    await removal.stop();
    await node.startAgent();
    await until('the state on', isOn);
  });

  test('an agent with serviceMode kube-proxy takes the programs away', async () => {
    await node.agent.stop();
    assert.equal(await ask(), second);
    const file = join(node.folder, 'conf.yml');
    const settings = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...settings, orbweaver: conf('kube-proxy') }));
    await node.startAgent();
    await untilAway();
    // The programs are let go first, and their folder a moment later.
    await until('the end of the folder', () => !existsSync(folder));
    assert.equal(await isOn(), false);
  });
}
