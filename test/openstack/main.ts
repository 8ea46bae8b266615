// npm run test:openstack [-- PATTERN ...]: tests against the real Keystone, Neutron, Placement and Nova of Debian 12, in
// namespaces of their own. They are unpacked into a folder of the cache, and not installed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type CommandLine, runProgram } from '#program';
import { chosenFiles } from '../../tools/chosen-files.ts';
import { coverFolders, insideNamespaces } from '../e2e/namespaces.ts';
import { Cloud } from './servers/cloud.ts';
import { startCloud, unpackedServers } from './servers/installation.ts';
import { runFolder } from './servers/place.ts';

const own = import.meta.dirname;
const options = {
  all: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  logs: { type: 'string' },
} as const;
type Line = CommandLine<typeof options>;

/** Most of them take minutes. */
const notInShort = [
  'address-modes',
  'faults',
  'floating-ips',
  'passthrough',
  'port-addresses',
  'port-writers',
  'refusals',
  'sweep-ports',
].map((name) => `${name}.test.ts`);

/** Throws INPUT_INVALID when a pattern matches no path. */
function filesOf({ positionals, values }: Line): string[] {
  const files = globSync('*.test.ts', { cwd: own })
    .filter((file) => !(values.short && notInShort.includes(file)))
    .map((file) => join(own, file));
  return chosenFiles(files.toSorted(), positionals, 'test file of test/openstack');
}

/** The limits are small, so that tests reach them. */
const limits = { maximumRoutes: 30, maximumAddressPairs: 10, maximumNics: 4 };

async function tryAll(line: Line): Promise<number> {
  const files = filesOf(line);
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
  if (line.values.short)
    console.log(`skipped: ${notInShort.length} files of test/openstack, because this run is the short one`);
  const begun = performance.now();
  const cloud = new Cloud(root, limits);
  try {
    await startCloud(cloud, root);
    console.log(`the servers are up after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return await runTests(files, line.values.all);
  } finally {
    await cloud.stop();
    if (line.values.logs !== undefined) cpSync(runFolder, line.values.logs, { recursive: true });
  }
}

/** Each file has mounts of its own: a node of a test covers folders that the servers, and the next node, use. */
async function runTests(files: readonly string[], isLong: boolean): Promise<number> {
  const how = ['--test-concurrency=1', '--test-timeout=900000', '--test-reporter=spec'];
  const long = isLong ? '1' : undefined;
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ORBWEAVER_OPENSTACK_LONG: long };
  const failed: string[] = [];
  for (const file of files) {
    const argv = ['--mount', process.execPath, '--test', ...how, file];
    const runner = spawn('unshare', argv, { stdio: 'inherit', env });
    const [status] = (await once(runner, 'close')) as [number | null];
    if (status !== 0) failed.push(basename(file));
  }
  const names = failed.length === 0 ? '' : `: ${failed.join(', ')}`;
  console.log(`${files.length} files, ${failed.length} failed${names}`);
  return failed.length === 0 ? 0 : 1;
}

const USAGE = `usage: npm run test:openstack [-- [--all | --short] [PATTERN ...]]
Runs the tests against the real Keystone, Neutron, Placement and Nova of Debian 12, in namespaces of their own;
with PATTERNs those whose path holds one.
--all          the long forms too: Neutron is away for a minute, and 200 writers of a port are killed
--short        without the files that take longest: for CI
--logs FOLDER  keeps the servers' configuration, databases and logs there`;
await runProgram({
  name: 'test:openstack',
  usage: USAGE,
  options,
  takesWords: true,
  check: filesOf,
  run: tryAll,
});
