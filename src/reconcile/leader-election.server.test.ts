// Two candidates on the embedded API server as a process, with the machine's clock.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resources } from '#api';
import { abortable, silentLogger, systemClock } from '#base';
import { connect, kubeconfigFile } from '#kube';
import { LeaderElection } from './index.ts';

test('on the embedded API server one of two leads, and a stopped leader hands over before its lease runs out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'election-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const program = fileURLToPath(new URL('../main/apiserver.ts', import.meta.url));
  const flags = ['--data-dir', folder, '--token-file', join(folder, 'token'), '--kubeconfig', kubeconfig];
  const server = spawn(process.execPath, [program, ...flags, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  const client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  const lease = { namespace: 'default', name: 'election' };
  const terms: string[] = [];
  const leading: (() => void)[] = [];
  const candidate = (identity: string) => {
    const end = new AbortController();
    const lead = async (signal: AbortSignal) => {
      terms.push(identity);
      for (const told of leading.splice(0)) told();
      await once(signal, 'abort');
    };
    // The lease outlives the test, so only a hand-over lets the other one lead.
    const times = { leaseDurationMs: 3_600_000, renewDeadlineMs: 1_800_000, retryPeriodMs: 20 };
    const shared = { client, clock: systemClock, log: silentLogger, lease, times };
    const running = new LeaderElection({ ...shared, identity, lead }).run(end.signal);
    return { identity, end, running };
  };
  const nextLeader = () =>
    abortable(new Promise<void>((resolve) => leading.push(resolve)), AbortSignal.timeout(60_000));
  const all: ReturnType<typeof candidate>[] = [];
  try {
    const first = nextLeader();
    all.push(candidate('a'), candidate('b'));
    await first;
    const [leader, other] = terms[0] === 'a' ? all : all.toReversed();
    const { spec: before } = await client.get(resources.leases, lease);
    assert.deepEqual([before?.holderIdentity, before?.leaseTransitions], [leader?.identity, 0]);
    const second = nextLeader();
    leader?.end.abort();
    await Promise.all([leader?.running, second]);
    assert.deepEqual(terms, [leader?.identity, other?.identity]);
    const { spec: after } = await client.get(resources.leases, lease);
    assert.deepEqual([after?.holderIdentity, after?.leaseTransitions], [other?.identity, 1]);
    other?.end.abort();
    await other?.running;
    assert.equal((await client.get(resources.leases, lease)).spec?.holderIdentity, '');
  } finally {
    for (const { end } of all) end.abort();
    client.close();
    server.kill();
    await once(server, 'exit');
    rmSync(folder, { recursive: true });
  }
});
