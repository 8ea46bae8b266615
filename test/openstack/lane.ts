// One cloud in its own namespaces, and the test files that are tried on it, one after the other. Their paths come on the
// standard input, one a line. What they print, and their ends, go to the standard output, as a JSON line each.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type CommandLine, runProgram } from '#program';
import { coverFolders, insideNamespaces } from '../e2e/namespaces.ts';
import { Cloud } from './servers/cloud.ts';
import { startCloud, unpackedServers } from './servers/installation.ts';
import { runFolder } from './servers/place.ts';

/** What a lane says: text of the file that it tries, or that this file has ended. */
export type LaneLine = { readonly text: string } | { readonly passed: boolean };

const options = { all: { type: 'boolean', default: false }, logs: { type: 'string' } } as const;

/** The limits are small, so that tests reach them. */
const limits = { maximumRoutes: 30, maximumAddressPairs: 10, maximumNics: 4 };

/** For one test on a busy machine. */
const TIMEOUT_MS = 900_000;
const LONG_TIMEOUT_MS = 3_600_000;

const say = (line: LaneLine) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function tryFiles({ values }: CommandLine<typeof options>): Promise<number> {
  const root = await unpackedServers();
  if (root instanceof Error) throw root;
  coverFolders();
  const begun = performance.now();
  const cloud = new Cloud(root, limits);
  try {
    await startCloud(cloud, root);
    say({ text: `the servers are up after ${((performance.now() - begun) / 1000).toFixed(1)} s\n` });
    for await (const file of createInterface({ input: process.stdin }))
      say({ passed: await passes(file, values.all) });
    return 0;
  } finally {
    await cloud.stop();
    if (values.logs !== undefined) cpSync(runFolder, values.logs, { recursive: true });
  }
}

/** Each file has mounts of its own: a node of a test covers folders that the servers, and the next node, use. */
async function passes(file: string, isLong: boolean): Promise<boolean> {
  const how = [
    '--test-concurrency=1',
    `--test-timeout=${isLong ? LONG_TIMEOUT_MS : TIMEOUT_MS}`,
    '--test-reporter=spec',
  ];
  const long = isLong ? '1' : undefined;
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ORBWEAVER_OPENSTACK_LONG: long };
  const argv = ['--mount', process.execPath, '--test', ...how, file];
  const runner = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'], env });
  runner.stdout.setEncoding('utf8').on('data', (text: string) => say({ text }));
  const [status] = (await once(runner, 'close')) as [number | null];
  return status === 0;
}

if (insideNamespaces(import.meta.filename))
  await runProgram({
    name: 'test:openstack, one lane',
    usage: 'usage: node test/openstack/lane.ts [--all] [--logs FOLDER]',
    options,
    run: tryFiles,
  });
