// Runs orbctl as a user does, outside and inside a running lab.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RunningLab, runningLabs } from '#lab';

const program = join(import.meta.dirname, '../../dist/orbctl.mjs');

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('orbctl', () => {
  let lab: ChildProcess;
  let running: RunningLab;
  let pods: readonly string[];
  /** The commands that the lab tells the user to type. */
  let told = '';

  before(async () => {
    lab = spawn(process.execPath, [program, 'lab'], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const chunk of lab.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      told += String(chunk);
      if (told.includes('Logs:')) break;
    }
    lab.stdout?.resume();
    const kubeconfig = /export KUBECONFIG=(\S+)/.exec(told)?.[1];
    const found = runningLabs().find((each) => each.kubeconfig === kubeconfig);
    assert.ok(found !== undefined, told);
    running = found;
    pods = running.pods.filter(({ name }) => name.startsWith('underlay')).map(({ name }) => name);
  });

  after(async () => {
    lab.kill('SIGINT');
    if (lab.exitCode === null) await once(lab, 'exit');
  });

  function orbctl(args: readonly string[], kubeconfig = running.kubeconfig): Ran {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env });
  }

  const podAt = (i: number) => pods[i] ?? '';

  describe('trace', () => {
    test('reports a closed port at the destination, with exit code 3', () => {
      const args = ['trace', podAt(0), podAt(1), '--port', '81'];
      const { status, stdout } = orbctl(args);
      assert.equal(status, 3, stdout);
      assert.match(
        stdout,
        /\narrives, but no program listens: default\/underlay-\S+ has no TCP socket on port 81\n$/,
      );
      const json = orbctl([...args, '--json']);
      const { works, nobodyListens } = JSON.parse(json.stdout) as Record<string, unknown>;
      assert.deepEqual([json.status, works, nobodyListens], [3, false, true]);
      assert.equal(orbctl(['trace', podAt(0), podAt(1), '--port', '8080']).status, 0);
    });

    test('takes pod/NAME, a namespace by -n, and an address as its source', () => {
      const own = spawnSync(
        process.execPath,
        [program, 'lab', 'exec', podAt(0), '--', 'ip', '-4', '-o', 'addr'],
        {
          encoding: 'utf8',
          env: { ...process.env, KUBECONFIG: running.kubeconfig },
        },
      );
      const address = / eth0 +inet (\S+)\//.exec(own.stdout)?.[1] ?? '';
      for (const [args, head] of [
        [[`pod/${podAt(0)}`, `pod/${podAt(1)}`], `default/${podAt(0)} → default/${podAt(1)} `],
        [['-n', 'default', podAt(0), podAt(1)], `default/${podAt(0)} → default/${podAt(1)} `],
        [[address, podAt(1)], `default/${podAt(0)} (${address}) → default/${podAt(1)} `],
      ] as const) {
        const { status, stdout, stderr } = orbctl(['trace', '--port', '8080', ...args]);
        assert.equal(status, 0, stderr);
        assert.ok(stdout.startsWith(head), stdout);
      }
      assert.equal(orbctl(['trace', '-n', 'other', podAt(0), podAt(1)]).status, 2);
    });

    test('suggests the right name for a mistyped pod', () => {
      const { status, stderr } = orbctl(['trace', `${podAt(0)}x`, 'client']);
      assert.equal(status, 2);
      assert.match(stderr, new RegExp(`did you mean ${podAt(0)}`));
    });
  });

  test('reports that KUBECONFIG belongs to an ended lab, and does not use another lab', () => {
    const stale = '/proc/1/root/run/orbweaver-lab/kubeconfig';
    for (const args of [
      ['lab', 'exec', 'node1', '--', 'true'],
      ['trace', podAt(0), 'client'],
    ]) {
      const { status, stderr } = orbctl(args, stale);
      assert.equal(status, 2);
      assert.ok(stderr.includes(`KUBECONFIG=${stale} belongs to a lab that has ended`), stderr);
      assert.ok(stderr.includes(running.kubeconfig), stderr);
    }
    assert.match(orbctl(['lab', 'ls'], stale).stdout, new RegExp(`^lab ${running.pid} `, 'm'));
  });

  test('treats an empty KUBECONFIG as unset, and finds the running lab', () => {
    const { stdout, stderr } = orbctl(['trace', podAt(0), podAt(1), '--port', '8080'], '');
    // Other users may run labs on this machine.
    assert.match(stdout + stderr, /\nworks\n$|labs run: set KUBECONFIG to that of one/);
  });

  test("runs inside the lab's nodes and pods, and knows there which node it is on", () => {
    const inside = (place: string, line: string) => orbctl(['lab', 'exec', place, '--', 'sh', '-c', line]);
    const check = inside('node1', 'orbctl check');
    assert.deepEqual([check.status, check.stderr], [0, '']);
    assert.match(check.stdout, /^node1: no drift/);
    const local = running.pods.find(({ name, node }) => name.startsWith('underlay') && node === 'node1');
    const trace = inside('node1', `exec orbctl trace ${local?.name} 10.6.0.1 --protocol icmp`);
    assert.equal(trace.status, 0, trace.stderr);
    assert.match(trace.stdout, /\nworks\n$/);
    assert.match(inside(podAt(0), 'orbctl version').stdout, /^orbctl \d/);
    assert.match(inside('node2', 'kubectl get nodes -o name').stdout, /node\/node2/);
  });

  test('runs outside the lab too, with the command line that the lab prints', () => {
    const exports = [...told.matchAll(/^ {2}(export .*)$/gm)].map(([, line]) => line);
    assert.equal(exports.length, 2);
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', `${exports.join('\n')}\nsh -c "orbctl lab ls --json"`],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(stderr, '');
    const labs = JSON.parse(stdout) as RunningLab[];
    assert.ok(labs.some(({ pid, nodes }) => pid === running.pid && nodes.join() === 'node1,node2'));
  });

  test("completes the names of the lab's pods and nodes", () => {
    const words = (...args: string[]) => orbctl(['complete', '--', ...args]).stdout.split('\n');
    const first = (lines: readonly string[]) => lines.map((line) => line.split('\t')[0]);
    assert.ok(first(words('lab', 'exec', '')).includes('node1'));
    assert.deepEqual(
      first(words('trace', 'default/underlay')).slice(0, 3).sort(),
      pods.map((name) => `default/${name}`).sort(),
    );
  });

  test("answers questions about the lab's addresses, with exit codes, and completes names of pools", () => {
    const free = orbctl(['ip', 'free', 'lan-v4']);
    assert.match(free.stdout, /^pool lan-v4 \(10\.6\.0\.0\/16\): 188 of 191 addresses are free\n/);
    assert.match(free.stdout, /^held +3 +10\.6\.100\.10-10\.6\.100\.12 /m);
    const { pools, applications } = JSON.parse(orbctl(['pool', 'top', '-o', 'json']).stdout) as Record<
      string,
      object[]
    >;
    assert.equal(pools?.length, 2);
    assert.deepEqual(applications, [
      { namespace: 'default', application: 'Deployment underlay', addresses: 6 },
    ]);
    assert.match(
      orbctl(['subnet', 'tree']).stdout,
      /^pools without a subnet\n├─ lan-v4: 191 addresses, 3 held/,
    );
    assert.match(
      orbctl(['ip', 'history', '10.6.100.10']).stdout,
      /Pod default\/underlay-\S+ +was created; its status/,
    );
    assert.equal(orbctl(['ip', 'history', '10.6.100.99']).status, 1);
    assert.equal(orbctl(['ip', 'free', 'none']).status, 2);
    assert.match(orbctl(['complete', '--', 'ip', 'free', 'lan']).stdout, /^lan-v4\t/);
  });

  test('lab ls -n shows only the pods of one namespace', () => {
    const listed = (...args: string[]) => orbctl(['lab', 'ls', ...args]).stdout;
    assert.match(listed('-n', 'default'), new RegExp(podAt(0)));
    assert.doesNotMatch(listed('-n', 'other'), new RegExp(podAt(0)));
  });

  test('a lab whose reader goes away ends quietly, with the exit code of its table', () => {
    const script = '{ "$@"; echo $? >&2; } | head -3';
    const run = spawnSync('sh', ['-c', script, 'sh', process.execPath, program, 'lab'], { encoding: 'utf8' });
    assert.equal(run.stdout.split('\n').length, 4);
    assert.equal(run.stderr, '0\n');
  });
});
