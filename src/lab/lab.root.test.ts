import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { goldenTables } from './trial/golden-table.ts';
import type { Cell } from './trial/table.ts';

const root = join(import.meta.dirname, '../..');
const probe = join(root, 'dist/lab-probe');
const program = join(root, 'dist/orbctl.mjs');

function failures(cells: readonly Cell[]): string[] {
  return cells
    .filter(({ ok }) => !ok)
    .map(({ from, to, family, protocol, reason }) => `${from} → ${to} IPv${family} ${protocol}: ${reason}`);
}

test('the network of the lab by itself', async (t) => {
  let tables: Awaited<ReturnType<typeof goldenTables>>;
  before(() => {
    const script = `import { goldenTables } from ${JSON.stringify(join(import.meta.dirname, 'trial/golden-table.ts'))};
      process.stdout.write(JSON.stringify(await goldenTables(${JSON.stringify(probe)})), () => process.exit());`;
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    const node = [process.execPath, '--input-type=module', '-e', script];
    const printed = execFileSync('unshare', [...namespaces, ...node], {
      encoding: 'utf8',
      cwd: root,
      maxBuffer: 1 << 24,
    });
    tables = JSON.parse(printed) as typeof tables;
  });

  await t.test(
    'lets every pair of golden G1 reach one another, with the source address that the server must see',
    () => {
      assert.deepEqual(failures(tables.dropping), []);
      assert.ok(tables.dropping.length > 300, `${tables.dropping.length} cells`);
    },
  );

  await t.test(
    'drops TCP from an underlay pod to an overlay pod of another node, as kube-proxy does (kubernetes #117924)',
    () => {
      const lost = tables.dropping.filter(({ reason }) => reason.includes('INVALID'));
      assert.deepEqual(
        lost.map(({ to, family, protocol }) => `${to} ${family} ${protocol}`),
        ['overlay2 4 tcp', 'overlay2 6 tcp'],
      );
    },
  );

  await t.test('passes that TCP when the INVALID drop is left out', () => {
    assert.deepEqual(failures(tables.liberal), []);
    assert.ok(tables.liberal.every(({ reason }) => !reason.includes('INVALID')));
  });

  await t.test('keeps the client’s address through a NodePort with policy Local', () => {
    const cells = tables.dropping.filter(
      ({ from, to, protocol }) => from === 'client' && to.includes('local') && protocol === 'tcp',
    );
    assert.deepEqual([...new Set(cells.map(({ source }) => source))].toSorted(), [
      '192.0.2.10',
      '2001:db8::10',
    ]);
  });
});

/** All processes below one, itself included. */
function family(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  const children = readFileSync(path, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
  return [pid, ...children.flatMap(family)];
}

interface StartedLab {
  readonly child: ChildProcess;
  readonly processes: number[];
}

const started: ChildProcess[] = [];
// Of a test that failed, too.
after(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Starts a lab and waits until it says that a step is done. */
async function startLab(step = 'API server:'): Promise<StartedLab> {
  const child = spawn(process.execPath, [program, 'lab'], { stdio: ['ignore', 'pipe', 'pipe'], cwd: root });
  started.push(child);
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  for (let i = 0; i < 3600 && !printed.includes(step); i++) {
    assert.equal(child.exitCode, null, printed);
    await sleep(50);
  }
  assert.ok(printed.includes(step), printed);
  return { child, processes: family(child.pid ?? 0) };
}

/** A process that has ended is a zombie (Z), or dead (X) for the moment until the kernel forgets it (proc(5)). */
function alive(pid: number): boolean {
  try {
    return !/^State:\s[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // gone
  }
}

async function allGone(processes: readonly number[]): Promise<void> {
  for (let i = 0; i < 1200 && processes.some(alive); i++) await sleep(50);
  assert.deepEqual(processes.filter(alive), []);
}

function assertNothingLeft(): void {
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), /orbweaver-lab/);
  assert.doesNotMatch(execFileSync('ip', ['link'], { encoding: 'utf8' }), /\blan-node1\b|\blan-router\b/);
  assert.ok(!existsSync('/run/orbweaver-lab'));
}

test('two labs run side by side, and kill -9 of the first process of either leaves nothing', {
  timeout: 400_000,
}, async () => {
  const labs = await Promise.all([startLab(), startLab()]);
  for (const { child, processes } of labs) {
    assert.ok(processes.length > 5, `${processes.length} processes`);
    child.kill('SIGKILL');
    await allGone(processes);
  }
  assertNothingLeft();
});

test('kill -9 of the lab’s process 1 ends the whole lab, and the user is told', {
  timeout: 400_000,
}, async () => {
  const { child, processes } = await startLab();
  const [, outer = 0, inner = 0] = processes;
  assert.match(readFileSync(`/proc/${outer}/cmdline`, 'utf8'), /unshare/);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(inner, 'SIGKILL');
  assert.notEqual(await ended, 0);
  await allGone(processes);
  assertNothingLeft();
});

test('SIGINT ends the lab in order', { timeout: 400_000 }, async () => {
  const { child, processes } = await startLab();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
  await allGone(processes);
  assertNothingLeft();
});

test('a program of the lab that is killed is started again and listens where it did', {
  timeout: 400_000,
}, async (t) => {
  const { child } = await startLab('The lab runs until');
  t.after(() => child.kill('SIGKILL'));
  // Among our own descendants only: other labs may run beside this one.
  const apiServer = () =>
    family(child.pid ?? 0).find(
      (pid) => alive(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('apiserver.mjs'),
    );
  const first = apiServer();
  assert.ok(first !== undefined);
  const portOf = (pid: number) =>
    /--listen\0(127\.0\.0\.1:\d+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1];
  const place = portOf(first);
  process.kill(first, 'SIGKILL');
  let second: number | undefined;
  for (let i = 0; i < 1200 && (second === undefined || second === first); i++) {
    await sleep(50);
    second = apiServer();
  }
  assert.ok(second !== undefined && second !== first);
  assert.equal(portOf(second), place);
  const answer = async () => {
    const [host = '', port = ''] = place?.split(':') ?? [];
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    socket.destroy();
  };
  await answer();
  const processes = family(child.pid ?? 0);
  child.kill('SIGKILL');
  await allGone(processes);
  assertNothingLeft();
});
