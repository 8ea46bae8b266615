// The lab's packets decide: `orbctl trace` must give the same result for every cell of the lab's table.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '#base';
import { formatAddress } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import { connect, kubeconfigFile } from '#kube';
import { labNamespaces, labTables, type RunningLab, runningLabs } from '#lab';
import { type Protocol, trace, type World } from '#plan/trace';
import { readDestination } from '../../src/cli/trace/destination.ts';
import { askCluster, type ClusterFacts } from '../../src/cli/trace/facts.ts';
import { seeWorld } from '../../src/cli/trace/gather.ts';
import { until } from './program.ts';

const program = join(import.meta.dirname, '../../dist/orbctl.mjs');

interface Cell {
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
  readonly protocol: Protocol;
  readonly expected: 'works' | 'impossible';
  readonly ok: boolean;
  readonly source: string;
}

/** Converts names of the table for `orbctl trace`: `web-1 (node1)`, `ClusterIP web`, `NodePort web at node1`. */
function placeName(cell: string): string {
  const [, pod] = /^(\S+) \(node\d+\)$/.exec(cell) ?? [];
  return pod === undefined ? cell : `default/${pod}`;
}

function destinationName(cell: string, { services }: ClusterFacts): string {
  const [, clusterIp] = /^ClusterIP (\S+)$/.exec(cell) ?? [];
  if (clusterIp !== undefined) return `service:${clusterIp}`;
  const [, name, node] = /^NodePort (\S+) at (\S+)$/.exec(cell) ?? [];
  if (name === undefined) return placeName(cell);
  const service = services.find(({ metadata }) => metadata.name === name);
  return `nodeport:${node}:${service?.spec?.ports?.[0]?.nodePort}`;
}

describe('a trace in the lab', () => {
  let lab: ChildProcess;
  let running: RunningLab;
  let folder: string;
  let cells: Cell[];

  before(async () => {
    await primeThreads();
    folder = mkdtempSync(join(tmpdir(), 'ow-trace-'));
    const json = join(folder, 'lab.json');
    lab = spawn(process.execPath, [program, 'lab', '--json', json], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    // Keep the pipe open and read it, because the lab may print more.
    for await (const chunk of lab.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      said += String(chunk);
      if (said.includes('Look around')) break;
    }
    lab.stdout?.resume();
    const kubeconfig = /export KUBECONFIG=(\S+)/.exec(said)?.[1];
    const found = runningLabs().find((each) => each.kubeconfig === kubeconfig);
    assert.ok(found !== undefined, said);
    running = found;
    cells = (JSON.parse(readFileSync(json, 'utf8')) as { table: Cell[] }).table;
  });

  after(async () => {
    if (lab.exitCode === null) {
      lab.kill('SIGINT');
      await once(lab, 'exit');
    }
    rmSync(folder, { recursive: true });
  });

  async function world(): Promise<{ facts: ClusterFacts; seen: World }> {
    const client = connect(kubeconfigFile(running.kubeconfig), { log: silentLogger });
    const site = { client, places: labNamespaces(running), ...labTables };
    const facts = await askCluster(client);
    return { facts, seen: seeWorld(site, facts, openNamespace) };
  }

  test('predicts for every cell of the table whether it works and which address the server sees', async () => {
    const { facts, seen } = await world();
    // A failed cell proves nothing here. The lab's own test requires that no cell fails.
    const tried = cells.filter(
      ({ to, protocol, ok }) => ok && (protocol !== 'icmp' || !/^(ClusterIP|NodePort)/.test(to)),
    );
    assert.ok(tried.length > 200, `${tried.length} cells`);
    for (const { from, to, family, protocol, expected, source } of tried) {
      const cell = `${from} → ${to} IPv${family} ${protocol}`;
      const { addresses, port = 8080 } = readDestination(destinationName(to, facts), facts, seen.places);
      const destination = addresses.find((address) => address.family === family);
      assert.ok(destination !== undefined, cell);
      const asked = { from: placeName(from), destination, protocol, port: protocol === 'icmp' ? 0 : port };
      // The endpoint of a packet is random. The trace to one of the endpoints must explain the result.
      const endpoints = facts.pods.flatMap(({ status }) => status?.podIPs ?? []).map(({ ip }) => ip);
      const isService = /^(ClusterIP|NodePort)/.test(to);
      const traces = (isService ? endpoints : [undefined]).map((ip) =>
        trace(seen, {
          ...asked,
          ...(ip !== undefined && { endpoints: readDestination(ip, facts, []).addresses }),
        }),
      );
      if (expected === 'impossible') {
        assert.ok(
          traces.every(({ works }) => !works),
          `${cell} does not work, the trace says it does`,
        );
        continue;
      }
      assert.deepEqual([...new Set(traces.map(({ failure }) => failure))], [undefined], cell);
      const foreseen = traces.map(({ seenSource }) => seenSource && formatAddress(seenSource));
      if (source !== '')
        assert.ok(
          foreseen.includes(source),
          `${cell}: the server saw ${source}, foreseen ${foreseen.join(' ')}`,
        );
    }
  });

  test("reports a failure when the node's rule of half-seen connections is gone, until it is repaired", async () => {
    const { facts, seen } = await world();
    const pod = running.pods.find(({ name, node }) => name.startsWith('underlay') && node === 'node1');
    const overlay = running.pods.find(({ name, node }) => name.startsWith('overlay') && node === 'node2');
    assert.ok(pod !== undefined && overlay !== undefined);
    const [name, other] = [pod, overlay].map((each) => `default/${each.name}`) as [string, string];
    const [address] = readDestination(other, facts, seen.places).addresses.filter(
      ({ family }) => family === 4,
    );
    assert.ok(address !== undefined);
    const asked = { from: name, destination: address, protocol: 'tcp', port: 8080 } as const;
    assert.equal(trace(seen, asked).failure, undefined);
    const inNode = (...argv: string[]) =>
      spawnSync('nsenter', [`--net=/proc/${running.pid}/root/run/netns/node1`, '--', ...argv], {
        encoding: 'utf8',
      });
    const agent = agentOn('node1');
    process.kill(agent, 'SIGSTOP');
    try {
      assert.equal(inNode('nft', 'delete', 'table', 'inet', 'orbweaver').status, 0);
      const { failure = '' } = trace((await world()).seen, asked);
      assert.match(failure, /node1: kube-proxy drops packets that conntrack calls INVALID/);
    } finally {
      process.kill(agent, 'SIGCONT');
    }
    await until('the agent has repaired it', async () => trace((await world()).seen, asked).works);
  });

  /** The process id of a node's agent, which is the one in the node's network namespace. */
  function agentOn(node: string): number {
    const { ino } = statSync(`/proc/${running.pid}/root/run/netns/${node}`);
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isAgentIn(name, ino));
    assert.ok(pid !== undefined, `${node} has no agent`);
    return Number(pid);
  }

  function isAgentIn(pid: string, netns: number): boolean {
    try {
      const isAgent = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('agent.mjs');
      return isAgent && statSync(`/proc/${pid}/ns/net`).ino === netns;
    } catch {
      return false; // it has ended since
    }
  }

  test('prints text and JSON, with exit code 1 for a way that does not work', () => {
    const orbctl = (...args: string[]) =>
      spawnSync(process.execPath, [program, 'trace', ...args], {
        encoding: 'utf8',
        env: { ...process.env, KUBECONFIG: running.kubeconfig },
      });
    const [pod] = running.pods.filter(({ name }) => name.startsWith('underlay'));
    const text = orbctl(pod?.name ?? '', 'client', '--protocol', 'icmp');
    assert.equal(text.status, 0, text.stderr);
    assert.match(text.stdout, /^default\/underlay-\S+ → client \(192\.0\.2\.10\), icmp\n/);
    assert.match(text.stdout, /\nworks\n$/);
    const json = orbctl(pod?.name ?? '', '192.0.2.10', '--port', '8080', '--json');
    const answer = JSON.parse(json.stdout) as {
      works: boolean;
      request: { hops: { place: string; out?: string }[] };
    };
    assert.equal(answer.works, true);
    assert.deepEqual(
      answer.request.hops.map(({ place }) => place),
      [`default/${pod?.name}`, 'router', 'client'],
    );
    const lost = orbctl(pod?.name ?? '', '10.6.99.99', '--port', '80');
    assert.equal(lost.status, 1);
    assert.match(lost.stdout, /no machine on that link answers for it/);
    for (const [args, code, message] of [
      [['nobody', 'client'], 2, /source "nobody": no pod/],
      [[pod?.name ?? '', 'nobody'], 2, /destination "nobody": no pod/],
      [[pod?.name ?? '', 'node1'], 2, /--port \(1 to 65535\) or --protocol icmp is required/],
      [[pod?.name ?? '', 'client', '--protocol', 'sctp'], 2, /--protocol "sctp": allowed are tcp, udp, icmp/],
      [[pod?.name ?? '', 'client', '--port', '0'], 2, /--port "0": allowed are 1 to 65535/],
    ] as const) {
      const run = orbctl(...args);
      assert.equal(run.status, code, run.stderr);
      assert.match(run.stderr, message);
    }
  });
});
