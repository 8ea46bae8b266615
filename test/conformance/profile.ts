// What the runner must know of a plugin that the CNI specification does not say: its configuration, its state, its agent.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const conf = z.looseObject({ type: z.string() });
/** A shell command; `{dir}` is the runner's own temporary folder, `{node}` its Node, `{hooks}` the folder of our hooks. */
const command = z.string();

const profileSchema = z.strictObject({
  type: z.string(),
  /** main makes an interface, ipam gives addresses only, chained works on the result of the plugins `before` it. */
  kind: z.enum(['main', 'ipam', 'chained']),
  /** The plugin's configuration without cniVersion and name. */
  conf,
  /** The plugins of the chain that run before this one, for a chained plugin. */
  before: z.array(conf).default([]),
  /** Further profiles of the same type, by file name: alone, where this one is chained. */
  also: z.array(z.string()).default([]),
  /** Runs for each container before anything is added to it: `{namespace}`, and `{n}` as in `args`. */
  prepare: command.optional(),
  /** Runs before its namespace is deleted, for what the kernel would end only later; `{n}` as in `args`. */
  release: command.optional(),
  /** CNI_ARGS; `{n}` is a number of its own for each container. */
  args: z.string().optional(),
  /** Folders that get an empty file system of their own, so that nothing of the machine is read or changed. */
  privateFolders: z.array(z.string()).default(['/run']),
  /** Runs once in the node's namespace before all cases; lines KEY=VALUE it prints become the plugin's environment. */
  setup: command.optional(),
  teardown: command.optional(),
  /** Commands that take the plugin's agent away, bring it back, and make it limp. */
  agentStop: command.optional(),
  agentStart: command.optional(),
  agentDegrade: command.optional(),
  /** Prints the addresses that are held, one line each. */
  leases: command.optional(),
  /** Loses the lease of one container behind the plugin's back: `{container}`. For an ipam plugin's CHECK. */
  breakLease: command.optional(),
  /** Changes to `conf` that make ADD fail after it has begun, and how many containers must hold an address for that. */
  failing: z
    .array(
      z.strictObject({ what: z.string(), conf: z.looseObject({}), containersBefore: z.int().default(0) }),
    )
    .default([]),
  /** The runtimeConfig capabilities it promises, with a value to ask for. */
  capabilities: z.strictObject({ ips: z.string().optional(), mac: z.string().optional() }).default({}),
  /** Case number → why it does not apply. */
  notApplicable: z.record(z.string(), z.string()).default({}),
  /** How many ADDs run at once in case 22. */
  parallel: z.int().default(100),
  /** How long the node may take to be as before once a DEL has returned: the kernel ends namespaces in the background. */
  settleMs: z.int().default(20_000),
});

/** A plugin's description. */
export type Profile = z.infer<typeof profileSchema>;

/** Reads a description, with the runner's folders put in. */
export function readProfile(file: string, folder: string): Profile {
  const text = readFileSync(file, 'utf8')
    .replaceAll('{dir}', folder)
    .replaceAll('{node}', process.execPath)
    .replaceAll('{hooks}', join(import.meta.dirname, 'hooks'));
  const parsed = profileSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`profile ${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
