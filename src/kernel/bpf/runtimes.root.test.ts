// Services in the socket calls of several runtimes: C with two libraries, Go, Java and Python. Node asks in the tests beside.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { primeThreads } from '../netns.ts';
import { BalancedNode, serve } from './balanced-node-fixture.ts';
import { type Runtime, runtimes } from './runtimes-fixture.ts';
import type { SocketBalancer } from './socket-balancer.ts';

const VIP = '10.96.1.1';
const BACKEND = '127.1.0.1:8080';
const NAMES = '127.1.0.2';
const ADDRESS = '192.0.2.7';

function unlessThere(program: string): string | false {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]);
  return found.status === 0 ? false : `${program} is not on this machine`;
}

describe('a Service is served to programs of', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ow-runtimes-'));
  let node: BalancedNode;
  let balancer: SocketBalancer;

  before(async () => {
    await primeThreads();
    node = new BalancedNode();
    balancer = node.open();
    await balancer.attach();
    await node.start();
    await node.call('serve', '127.1.0.1', 8080);
    await node.call('serveNames', NAMES, 53, ADDRESS);
    await serve(balancer, {
      [`TCP ${VIP}:80`]: { ready: [BACKEND] },
      [`UDP ${VIP}:80`]: { ready: [BACKEND] },
      [`TCP ${VIP}:81`]: {},
      [`TCP ${VIP}:53`]: { ready: [`${NAMES}:53`] },
      [`UDP ${VIP}:53`]: { ready: [`${NAMES}:53`] },
    });
    writeFileSync(join(folder, 'resolv.conf'), `nameserver ${VIP}\n`);
  });
  after(async () => {
    balancer.close();
    await node.end();
    rmSync(folder, { recursive: true });
  });

  /** The lines that it prints. */
  function ask(program: string, { file, source, compile, run, asksByTcp }: Runtime): string[] {
    const paths = { $file: join(folder, file), $out: join(folder, `asks-${program}`) };
    const filled = (words: readonly string[]) =>
      words.map((word) => (word in paths ? paths[word as keyof typeof paths] : word));
    writeFileSync(paths.$file, source);
    if (compile !== undefined) {
      const [compiler = '', ...words] = filled(compile);
      const made = spawnSync(compiler, words, { encoding: 'utf8' });
      assert.equal(made.status, 0, made.stderr);
    }
    const { status, stdout, stderr } = node.run(
      [...filled(run), VIP, ...(asksByTcp ? ['long'] : [])],
      join(folder, 'resolv.conf'),
    );
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout.trim().split('\n');
  }

  for (const [program, runtime] of Object.entries(runtimes)) {
    test(`${program}`, { skip: unlessThere(program) }, () => {
      assert.deepEqual(ask(program, runtime), [
        `tcp ${BACKEND} ${VIP}:80`,
        `udp ${BACKEND} ${VIP}:80`,
        `connected ${BACKEND}`,
        'refused yes',
        `name ${ADDRESS}`,
        ...(runtime.asksByTcp ? [`long ${ADDRESS}`] : []),
      ]);
    });
  }
});
