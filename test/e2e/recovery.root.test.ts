// The agent or the API server is away, or dies during its work. Nothing is lost, and nothing is left behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { footprint, leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, OneNode } from './one-node.ts';
import { runProgram, until } from './program.ts';
import { type AddResult, CniFailure, Runtime, Sandbox, underlay } from './runtime.ts';

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const network = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
  let node: OneNode;
  let podNumber = 0;

  function sandboxOfNewPod(): Promise<Sandbox> {
    return Sandbox.ofNewPod(node, `pod-${++podNumber}`);
  }

  async function attached(): Promise<Sandbox> {
    const sandbox = await sandboxOfNewPod();
    await runtime.add(network, sandbox);
    return sandbox;
  }

  async function end(sandbox: Sandbox): Promise<void> {
    await runtime.del(network, sandbox);
    sandbox.dropNamespace();
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    await end(await attached());
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  test('a DEL without an agent is queued at once, and the next agent serves it', async () => {
    const sandbox = await attached();
    await node.agent.stop();
    const runs = await runtime.del(network, sandbox);
    // Each call waits one second (shim/ow-cni.c), and a busy machine adds the time to start the shim. An ADD would wait 30 s.
    for (const { type, elapsedMs } of runs) assert.ok(elapsedMs < 8000, `${type}: ${elapsedMs} ms`);
    sandbox.dropNamespace();
    const waiting = await footprint(node);
    assert.deepEqual([waiting.queue.length, waiting.held.length], [2, 2]);
    await node.startAgent();
  });

  test('a queued DEL whose CNI_NETNS is a FIFO does not block the start of the agent', async () => {
    runProgram('mkfifo', ['/run/fifo']);
    const sandbox = await attached();
    await node.agent.stop();
    for (const type of ['coordinator', 'spiderpool']) {
      const { exit } = await runtime.call(
        'DEL',
        network,
        { type },
        { sandbox, env: { CNI_NETNS: '/run/fifo' } },
      );
      assert.equal(exit, 0);
    }
    assert.equal((await footprint(node)).queue.length, 2);
    await node.startAgent();
    await end(await attached());
    sandbox.dropNamespace();
  });

  test('with a CNI_NETNS on a mount that never answers, other pods are served, DEL is kept and the agent can stop', async () => {
    // A FUSE server that reads nothing: the kernel waits forever for its first answer.
    mkdirSync('/run/dead');
    const script = `exec 3<>/dev/fuse
mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead /run/dead && echo up && exec sleep 600`;
    const server = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout, 'data');
    try {
      const sandbox = await attached();
      const call = { sandbox, env: { CNI_NETNS: '/run/dead/netns' } };
      const added = await runtime.call('ADD', network, { type: 'ifacer', interfaces: ['lan0'] }, call);
      assert.deepEqual([added.exit, added.json?.code], [1, 11], added.stdout);
      assert.match(String(added.json?.msg), /the file system of \/run\/dead\/netns does not answer/);
      await end(await attached());
      const { exit, stdout } = await runtime.call('DEL', network, { type: 'coordinator' }, call);
      assert.equal(exit, 0, stdout);
      await node.agent.stop('SIGTERM');
      await node.startAgent();
      await end(await attached());
      await end(sandbox);
    } finally {
      // When the server ends, the kernel stops waiting: all waiting calls get ENOTCONN.
      server.kill('SIGKILL');
      await once(server, 'exit');
      runProgram('umount', ['-l', '/run/dead']);
    }
  });

  describe('a full disk under /var/lib/orbweaver', () => {
    const filler = '/var/lib/orbweaver/filler';
    /** The agent writes for a moment after its answer, and what it replaces then gives back room. */
    const fill = async () => {
      runProgram('mount', ['-o', 'remount,size=2m', '/var/lib/orbweaver']);
      for (let quiet = 0; quiet < 3; ) {
        quiet = fillOnce() === 0 ? quiet + 1 : 0;
        await sleep(50);
      }
    };
    /** How many blocks still had room. */
    const fillOnce = (): number => {
      const zeros = Buffer.alloc(4096);
      const file = openSync(filler, 'a');
      let blocks = 0;
      const untilFull = () => {
        for (; ; blocks++) writeSync(file, zeros);
      };
      assert.throws(untilFull, { code: 'ENOSPC' });
      closeSync(file);
      return blocks;
    };
    afterEach(() => rmSync(filler, { force: true }));

    test('DEL succeeds and frees the address; ADD reports the full disk and leaves nothing', async () => {
      const sandbox = await attached();
      const refused = await sandboxOfNewPod();
      await fill();
      await assert.rejects(runtime.add(network, refused), (error) => {
        assert.ok(error instanceof CniFailure, String(error));
        assert.equal(error.code, 102, error.message);
        return /the disk is full: cannot write \/var\/lib\/orbweaver/.test(error.message);
      });
      assert.equal((await footprint(node)).held.length, 2, 'those of the pod that runs');
      await end(refused);
      await end(sandbox);
      const { held, attachments } = await footprint(node);
      assert.deepEqual([held, attachments], [[], []]);
      rmSync(filler);
      await end(await attached());
    });

    test('a DEL without an agent is queued on the full disk too, and the next agent serves it', async () => {
      const sandbox = await attached();
      await node.agent.stop();
      await fill();
      await end(sandbox);
      assert.equal((await footprint(node)).queue.length, 2);
      await node.startAgent();
      await end(await Sandbox.ofNewPod(node, `pod-${++podNumber}`));
    });

    test('a DEL without the API server is kept, and served when the server is back', async () => {
      const sandboxes = [await attached(), await attached()];
      await node.apiServer.stop('SIGKILL');
      await fill();
      for (const sandbox of sandboxes) await end(sandbox);
      await node.startApiServer();
    });
  });

  test('another pod gets an address only after the queued DEL that frees it', async () => {
    const sandbox = await attached();
    await node.agent.stop('SIGKILL');
    await end(sandbox);
    const next = await sandboxOfNewPod();
    await node.startAgent();
    await runtime.add(network, next);
    await runtime.check(network, next);
    await end(next);
  });

  test('a DEL without the API server removes the links at once, and frees the addresses when the server is back', async () => {
    const sandbox = await attached();
    await node.apiServer.stop('SIGKILL');
    await end(sandbox);
    const link = `veth${sandbox.id.slice(0, 11)}`;
    assert.doesNotMatch(readFileSync('/proc/net/dev', 'utf8'), new RegExp(link));
    await node.startApiServer();
    await until('the addresses are free', async () => (await footprint(node)).held.length === 0);
  });

  test('an ADD without the API server fails with "try again later", and leaves nothing', async () => {
    const sandbox = await sandboxOfNewPod();
    await node.apiServer.stop('SIGKILL');
    const tried = runtime.add(network, sandbox);
    await assert.rejects(tried, (error) => error instanceof CniFailure && error.code === 11);
    const links = sandbox.ip<{ ifname: string }>('link').map(({ ifname }) => ifname);
    assert.equal(links.includes('veth0'), false);
    await node.startApiServer();
    await end(sandbox);
  });

  test('pods keep running while the agent restarts, and the new agent knows them', async () => {
    const sandbox = await attached();
    await node.agent.stop();
    sandbox.run('ping', '-c1', '-W10', nodeAddress[4]);
    await node.startAgent();
    await runtime.check(network, sandbox);
    const after = await attached();
    await end(after);
    await end(sandbox);
  });

  test('an ADD waits for an agent that is starting', async () => {
    await node.agent.stop();
    const sandbox = await sandboxOfNewPod();
    const adding = runtime.add(network, sandbox);
    await sleep(300);
    await node.startAgent();
    assert.equal((await adding).ips?.length, 2);
    await end(sandbox);
  });

  test('an agent that is stopped during ADDs finishes them', async () => {
    const sandboxes = await Promise.all(Array.from({ length: 8 }, () => sandboxOfNewPod()));
    const adding = sandboxes.map((sandbox) => runtime.add(network, sandbox));
    await sleep(60);
    await node.agent.stop('SIGTERM');
    await node.startAgent();
    const results: AddResult[] = await Promise.all(adding);
    assert.equal(new Set(results.flatMap(({ ips = [] }) => ips.map(({ address }) => address))).size, 16);
    await Promise.all(sandboxes.map((sandbox) => end(sandbox)));
  });

  const rounds = 12;
  for (let round = 0; round < rounds; round++) {
    test(`after an agent is killed during ADD, DEL and GC leave nothing (${round + 1} of ${rounds})`, async () => {
      const begun = performance.now();
      await end(await attached());
      const wholeMs = (performance.now() - begun) * 0.6;
      const sandbox = await sandboxOfNewPod();
      const adding = runtime.add(network, sandbox).then(
        () => undefined,
        (error: unknown) => error,
      );
      await sleep((wholeMs * round) / rounds);
      await node.agent.stop('SIGKILL');
      await node.startAgent();
      const refused = await adding;
      if (refused !== undefined) assert.ok(refused instanceof CniFailure);
      await end(sandbox);
      for (const type of ['coordinator', 'spiderpool']) {
        const plugin = { type, ipam: { type: 'spiderpool' }, 'cni.dev/valid-attachments': [] };
        const { exit, stdout } = await runtime.call('GC', { ...network, cniVersion: '1.1.0' }, plugin);
        assert.equal(exit, 0, stdout);
      }
    });
  }

  test('foreign files among the state files block neither the start of the agent nor a DEL', async () => {
    const sandbox = await attached();
    await node.agent.stop();
    await end(sandbox);
    const foreign = ['attachments/x.json', 'del-queue/x.del'].map((name) => `/var/lib/orbweaver/${name}`);
    try {
      for (const make of [['mkfifo'], ['mkdir'], ['ln', '-s', '/nowhere']] as const) {
        const [program, ...args] = make;
        for (const path of foreign) runProgram(program, [...args, path]);
        await node.startAgent();
        await end(await attached());
        await node.agent.stop();
        for (const path of foreign) rmSync(path, { recursive: true });
      }
    } finally {
      for (const path of foreign) rmSync(path, { recursive: true, force: true });
    }
  });

  test('an API server that hangs blocks neither the end of the agent nor the start of the next', async () => {
    const sandbox = await attached();
    const late = await sandboxOfNewPod();
    const { pid } = node.apiServer;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    const adding = runtime.add(network, late).catch((error: unknown) => error);
    try {
      await end(sandbox);
      await node.agent.stop('SIGTERM');
      await node.startAgent();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // The shim then asks the new agent.
    const added = await adding;
    assert.ok(!(added instanceof Error), String(added));
    await end(late);
  });

  test('a damaged attachment file blocks neither the agent nor the DEL of that attachment', async () => {
    const sandbox = await attached();
    await node.agent.stop();
    writeFileSync(`/var/lib/orbweaver/attachments/${sandbox.id}+eth0.json`, '{"half of');
    await node.startAgent();
    await end(sandbox);
    const { attachments } = await footprint(node);
    assert.equal(attachments.length, 1);
    assert.match(attachments[0] ?? '', /\.damaged$/);
    rmSync(`/var/lib/orbweaver/attachments/${attachments[0]}`);
  });
}
