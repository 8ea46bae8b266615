// Each query of the dashboard, asked of a real Prometheus that reads a real agent and a real controller.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { insideNamespaces } from '../e2e/namespaces.ts';
import { OneNode } from '../e2e/one-node.ts';
import { Daemon, until } from '../e2e/program.ts';
import { CniFailure, Runtime, Sandbox, underlay } from '../e2e/runtime.ts';
import { prometheus } from './programs.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

const root = join(import.meta.dirname, '../..');
const dashboard = JSON.parse(readFileSync(join(root, 'deploy/dashboards/orbweaver.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: expr.replaceAll('$__rate_interval', '1m') })),
);

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const daemons: Daemon[] = [];
  let node: OneNode;

  async function ask(expr: string): Promise<string[]> {
    const answer = await fetch(`http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(expr)}`);
    assert.equal(answer.status, 200, `${expr}: ${answer.statusText}`);
    return ((await answer.json()) as Answer).data.result.map(({ value }) => value[1]);
  }

  async function start(
    name: string,
    argv: [string, ...string[]],
    up: (daemon: Daemon) => boolean | Promise<boolean>,
  ) {
    const daemon = new Daemon(name, node.folder, argv);
    daemons.push(daemon);
    await daemon.start(() => up(daemon));
  }

  async function startController(): Promise<void> {
    const argv = [process.execPath, join(root, 'dist/controller.mjs'), '--kubeconfig', node.kubeconfig];
    const ports = ['--health-port', '5720', '--webhook-port', 'none', '--commit-host', '127.0.0.1'];
    await start('controller', [...argv, ...ports] as [string, ...string[]], ({ log }) =>
      log.includes('the controller has read the cluster'),
    );
  }

  async function startPrometheus(): Promise<void> {
    const folder = join(node.folder, 'prometheus');
    mkdirSync(folder);
    // JSON is YAML.
    const job = (name: string, port: number) => {
      return { job_name: name, static_configs: [{ targets: [`127.0.0.1:${port}`] }] };
    };
    const scrape_configs = [job('agent', 5710), job('controller', 5720)];
    const global = { scrape_interval: '1s', scrape_timeout: '1s' };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ global, scrape_configs }));
    const options = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    await start('prometheus', [prometheus(), ...options, '--web.listen-address=127.0.0.1:9090'], async () => {
      const ready = await fetch('http://127.0.0.1:9090/-/ready').catch(() => undefined);
      return ready?.status === 200;
    });
  }

  /** Pods come and go, and one finds its pool exhausted. */
  async function live(): Promise<void> {
    const network = underlay({ ipv4: ['v4'] });
    for (let index = 0; index < 3; index++) {
      const sandbox = await Sandbox.ofNewPod(node, `pod-${index}`);
      await runtime.add(network, sandbox);
      if (index === 0) await runtime.del(network, sandbox);
    }
    const one = underlay({ ipv4: ['tiny'] });
    await runtime.add(one, await Sandbox.ofNewPod(node, 'first'));
    const late = runtime.add(one, await Sandbox.ofNewPod(node, 'late'));
    await assert.rejects(late, CniFailure);
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    await node.createPool('tiny', 4, { ips: ['10.6.9.1'] });
    const spec = { subnet: '10.9.0.0/16', ips: ['10.9.0.1-10.9.0.9'] };
    await node.client.create(resources.spiderSubnets, { metadata: { name: 's' }, spec });
    await startController();
    await startPrometheus();
    // A rate needs the state before.
    await until('both are scraped', async () => (await ask('up == 1')).length === 2);
    await sleep(2_000);
    await live();
    await sleep(3_000);
  });
  after(async () => {
    for (const daemon of daemons.toReversed()) await daemon.stop('SIGKILL');
    await node.stop();
  });

  for (const { title, expr } of queries) {
    test(`the panel ${title} is not empty: ${expr}`, async () => {
      let values: string[] = [];
      const isFull = async () => {
        values = await ask(expr);
        return values.some((value) => value !== 'NaN');
      };
      await until(`an answer to ${expr}`, isFull, 15_000).catch((error: unknown) => {
        assert.fail(`${String(error)}: the last answer was ${JSON.stringify(values)}`);
      });
    });
  }

  test('what happened is seen: an exhausted pool, a refused allocation, and which pods hold addresses', async () => {
    const exhausted = 'orbweaver_condition{name="tiny",condition="Exhausted"} == 1';
    await until('the exhausted pool is seen', async () => (await ask(exhausted)).length === 1);
    assert.deepEqual(await ask('spiderpool_ipam_allocation_err_ip_used_out_counts'), ['1']);
    assert.deepEqual(await ask('orbweaver_pod_addresses{pod="pod-1",pool="v4",namespace="default"}'), ['1']);
    assert.deepEqual(await ask('orbweaver_pod_addresses{pod="pod-0"}'), []);
    assert.deepEqual(await ask('orbweaver_pool_held_addresses{pool="v4",namespace="default"}'), ['2']);
  });
}
