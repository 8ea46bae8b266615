// npm run test:openstack [-- PATTERN ...]: tests against the real Keystone, Neutron, Placement and Nova of Debian 12, in
// namespaces of their own. They are unpacked into a folder of the cache, and not installed.

import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { type CommandLine, runProgram } from '#program';
import { chosenFiles } from '../../tools/chosen-files.ts';
import { CompileCache } from '../../tools/compile-cache.ts';
import { tryInLanes } from './lanes.ts';
import { areDatabasesKept, unpackedServers } from './servers/installation.ts';

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
  'pools',
  'port-addresses',
  'port-writers',
  'refusals',
  'sweep-ports',
].map((name) => `${name}.test.ts`);

const isLong = (file: string) => notInShort.includes(basename(file));
const longFirst = (a: string, b: string) => Number(isLong(b)) - Number(isLong(a));

/** The command line of a lane. */
function argvOf({ values }: Line, lane: number): string[] {
  const logs = values.logs === undefined ? [] : ['--logs', join(values.logs, `${lane}`)];
  return [...(values.all ? ['--all'] : []), ...logs];
}

/** Throws INPUT_INVALID when a pattern matches no path. */
function filesOf({ positionals, values }: Line): string[] {
  const files = globSync('*.test.ts', { cwd: own })
    .filter((file) => !(values.short && isLong(file)))
    .map((file) => join(own, file));
  return chosenFiles(files.toSorted(), positionals, 'test file of test/openstack');
}

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
  if (line.values.short)
    console.log(`skipped: ${notInShort.length} files of test/openstack, because this run is the short one`);
  // Tests wait for servers and kill programs: one lane more than processors keeps all busy.
  const lanes = Math.min(files.length, availableParallelism() + 1);
  using cache = new CompileCache();
  const how = { argvOf: (lane: number) => argvOf(line, lane), env: cache.env };
  // A lane that tries no file makes them for all.
  if (!areDatabasesKept(root)) await tryInLanes([], 1, how);
  const failed = await tryInLanes(files.toSorted(longFirst), lanes, how);
  const names = failed.length === 0 ? '' : `: ${failed.join(', ')}`;
  console.log(`${files.length} files, ${failed.length} failed${names}`);
  return failed.length === 0 ? 0 : 1;
}

const USAGE = `usage: npm run test:openstack [-- [--all | --short] [PATTERN ...]]
Runs the tests against the real Keystone, Neutron, Placement and Nova of Debian 12, in namespaces of their own;
with PATTERNs those whose path holds one.
--all          the long forms too: Neutron is away for a minute, 200 writers are killed, and one at each step
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
