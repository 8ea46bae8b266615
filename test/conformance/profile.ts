// What the runner must know about a plugin beyond the CNI specification: its configuration, its state, its agent.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { kernelParts } from '../uml/kernel-part.ts';

const conf = z.looseObject({ type: z.string() });
/** A shell command. `{dir}` is the runner's temporary folder, `{node}` its Node, and `{hooks}` the folder of our hooks. */
const command = z.string();

const profileSchema = z.strictObject({
  type: z.string(),
  /**
   * A main plugin makes an interface, an ipam plugin only gives addresses.
   * A chained plugin uses the result of the plugins `before` it.
   */
  kind: z.enum(['main', 'ipam', 'chained']),
  /** The plugin's configuration without cniVersion and name. `{n}` as in `args`. */
  conf,
  /** For a chained plugin: the plugins of the chain that run before it. */
  before: z.array(conf).default([]),
  /**
   * Our agent serves the plugin. The runner then starts a node with an agent, an API server, pools and pods (`one-node.ts`
   * in `hooks`), and stops and starts its agent.
   */
  served: z.boolean().default(false),
  /** Parts of the kernel that the plugin needs. Without them, its cases run in `npm run test:uml` alone. */
  needs: z.array(z.enum(kernelParts)).default([]),
  /** Other profiles of the same type, by file name. For example, one without a chain when this one is chained. */
  also: z.array(z.string()).default([]),
  /** Runs for each container before the first ADD: `{namespace}`, and `{n}` as in `args`. */
  prepare: command.optional(),
  /** Runs before the container's namespace is deleted. It ends what the kernel would end only later; `{n}` as in `args`. */
  release: command.optional(),
  /** CNI_ARGS. `{n}` is a different number for each container. */
  args: z.string().optional(),
  /** Folders that each get a separate empty file system. So the plugin cannot read or change the machine's content. */
  privateFolders: z.array(z.string()).default(['/run']),
  /** Runs once in the node's namespace before all cases. Lines KEY=VALUE of its output become the plugin's environment. */
  setup: command.optional(),
  teardown: command.optional(),
  /** Commands that stop the plugin's agent, start it again, and make it degraded. */
  agentStop: command.optional(),
  agentStart: command.optional(),
  agentDegrade: command.optional(),
  /** Prints the held addresses, one per line. */
  leases: command.optional(),
  /** Removes the lease of one container without the plugin's knowledge: `{container}`. It is for CHECK of an ipam plugin. */
  breakLease: command.optional(),
  /**
   * Changes to `conf` that make ADD fail after it has started.
   * `containersBefore` is the number of containers that must hold an address for that.
   */
  failing: z
    .array(
      z.strictObject({ what: z.string(), conf: z.looseObject({}), containersBefore: z.int().default(0) }),
    )
    .default([]),
  /** The runtimeConfig capabilities that the plugin supports, each with a value to request. */
  capabilities: z.strictObject({ ips: z.string().optional(), mac: z.string().optional() }).default({}),
  /** Maps a case number to the reason why the case does not apply. */
  notApplicable: z.record(z.string(), z.string()).default({}),
  /** The number of parallel ADDs in case 22. */
  parallel: z.int().default(100),
  /** The maximum time after a DEL until the node is as before, because the kernel ends namespaces in the background. */
  settleMs: z.int().default(20_000),
});

/** The commands for a plugin that our agent serves. Container N belongs to pod pN of that node. */
const servedCommands = {
  args: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p{n}',
  setup: '{node} {hooks}/one-node.ts up {dir}',
  teardown: '{node} {hooks}/one-node.ts down {dir}',
  agentStop: '{node} {hooks}/one-node.ts agent-stop {dir}',
  agentStart: '{node} {hooks}/one-node.ts agent-start {dir}',
} as const satisfies Partial<z.input<typeof profileSchema>>;

/** A plugin's description. */
export type Profile = z.infer<typeof profileSchema>;

/** Reads a description, and replaces the placeholders of the runner's folders. */
export function readProfile(file: string, folder: string): Profile {
  const given = JSON.parse(readFileSync(file, 'utf8')) as { readonly served?: boolean };
  const text = JSON.stringify(given.served === true ? { ...servedCommands, ...given } : given)
    .replaceAll('{dir}', folder)
    .replaceAll('{node}', process.execPath)
    .replaceAll('{hooks}', join(import.meta.dirname, 'hooks'));
  const parsed = profileSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`profile ${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
