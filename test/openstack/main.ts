// npm run test:openstack [-- PATTERN ...]: tests against the real Keystone, Neutron, Placement and Nova of Debian 12, in
// namespaces of their own. They are unpacked into a folder of the cache, and not installed.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLine, runProgram } from '#program';
import { chosenFiles } from '../../tools/chosen-files.ts';
import { coverFolders, insideNamespaces } from '../e2e/namespaces.ts';
import { cacheFolder, kept } from '../kube/cache.ts';
import { Cloud } from './servers/cloud.ts';
import { firstStart } from './servers/first-start.ts';
import { unpackServers } from './servers/packages.ts';
import { runFolder } from './servers/place.ts';

const own = import.meta.dirname;
const cache = cacheFolder('openstack');
const options = { logs: { type: 'string' } } as const;
type Line = CommandLine<typeof options>;

/** Throws INPUT_INVALID when a pattern matches no path. */
function filesOf(patterns: readonly string[]): string[] {
  const files = globSync('*.test.ts', { cwd: own }).map((file) => join(own, file));
  return chosenFiles(files.toSorted(), patterns, 'test file of test/openstack');
}

/** The limits are small, so that tests reach them. */
const limits = { maximumRoutes: 30, maximumAddressPairs: 10 };

async function tryAll(line: Line): Promise<number> {
  const files = filesOf(line.positionals);
  const root = await unpackedServers();
  if (root instanceof Error) {
    console.log(
      `skipped: the OpenStack servers are Debian 12's, and cannot be had here: ${root.message.split('\n')[0]}`,
    );
    console.log(`0 passed, 0 failed, ${files.length} files skipped`);
    return 0;
  }
  if (!insideNamespaces(import.meta.filename)) return Number(process.exitCode ?? 1);
  coverFolders();
  const begun = performance.now();
  const cloud = new Cloud(root, limits);
  try {
    await start(cloud, root);
    console.log(`the servers are up after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return await runTests(files);
  } finally {
    await cloud.stop();
    if (line.values.logs !== undefined) cpSync(runFolder, line.values.logs, { recursive: true });
  }
}

async function start(cloud: Cloud, root: string): Promise<void> {
  const filled = await kept(stateFolder(root), async (folder) => {
    console.log('making the databases of the servers (once: about a minute)');
    await firstStart(cloud);
    cloud.keep(folder);
  });
  cloud.restore(filled);
  await cloud.start(['keystone', 'placement', 'neutron', 'nova']);
}

/** Where the packages are unpacked, or why they are not. */
function unpackedServers(): Promise<string | Error> {
  const key = hashOf(['servers/packages.ts']);
  return kept(join(cache, `servers-${key}`), (folder) => {
    console.log("unpacking Debian's packages of the OpenStack servers (once: 110 MB, about 30 seconds)");
    return unpackServers(folder);
  }).catch((error: Error) => error);
}

/** Databases fit the programs that made them. */
function stateFolder(root: string): string {
  const files = ['first-start.ts', 'place.ts', 'configuration.ts', 'python/neutron_schema.py'];
  return join(
    cache,
    `state-${hashOf(
      files.map((file) => `servers/${file}`),
      root,
    )}`,
  );
}

function hashOf(files: readonly string[], ...more: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(own, file)));
  return hash.update(more.join()).digest('hex').slice(0, 16);
}

async function runTests(files: readonly string[]): Promise<number> {
  const how = ['--test-concurrency=1', '--test-timeout=900000', '--test-reporter=spec'];
  // Tests cover folders that the servers use.
  const argv = ['--mount', process.execPath, '--test', ...how, ...files];
  const runner = spawn('unshare', argv, {
    stdio: 'inherit',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const [status] = (await once(runner, 'close')) as [number | null];
  return status ?? 1;
}

const USAGE = `usage: npm run test:openstack [-- PATTERN ...]
Runs the tests against the real Keystone, Neutron, Placement and Nova of Debian 12, in namespaces of their own;
with PATTERNs those whose path holds one.
--logs FOLDER  keeps the servers' configuration, databases and logs there`;
await runProgram({
  name: 'test:openstack',
  usage: USAGE,
  options,
  takesWords: true,
  check: ({ positionals }) => filesOf(positionals),
  run: tryAll,
});
