// The agent's configuration file: the keys of Spiderpool's ConfigMap `spiderpool-conf`, `conf.yml`, and a few of our own.

import { z } from 'zod';
import { openObject } from './open-object.ts';
import { check } from './validation.ts';

/** What a key without a value means: Go's zero value, as in Spiderpool. */
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);

/** A section that is left out is a section whose every key is left out. */
function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, openObject(shape));
}

/** Ours; unknown keys are errors here, since nobody else writes them. */
const ownSchema = z.strictObject({
  /** CNI requests served at once; the rest wait with their deadlines. */
  maxConcurrentRequests: z.int().min(1).max(1024).default(16),
  /** How long a released address is kept back while its pool has others, so that neighbours' ARP caches age. */
  addressRestSeconds: z.int().min(0).max(86_400).default(30),
  /** When probes for an address conflict and for the gateway have to be done; they cost a third of it where all is well. */
  probeDeadlineMs: z.int().min(50).max(10_000).default(300),
  /** Where the agent listens; 0600 in a directory of its own. */
  socketPath: z.string().startsWith('/').default('/run/orbweaver/agent.sock'),
  /** Attachments and the queue of DELs. */
  stateDirectory: z.string().startsWith('/').default('/var/lib/orbweaver'),
  /** URL of the API server, where the one that the pod's environment names cannot be reached at boot. */
  apiServer: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
});

const agentConfigSchema = section({
  /** Where Spiderpool's own agent listens; not used by ours. */
  ipamUnixSocketPath: text,
  enableIPv4: flag,
  enableIPv6: flag,
  enableStatefulSet: flag,
  enableKubevirtStaticIP: flag,
  enableSpiderSubnet: flag,
  enableAutoPoolForApplication: flag,
  enableCleanOutdatedEndpoint: flag,
  enableIPConflictDetection: flag,
  enableGatewayDetection: flag,
  enableValidatingResourcesDeletedWebhook: flag,
  tuneSysctlConfig: flag,
  /** How many more addresses than replicas an automatic pool of a cluster subnet gets. */
  clusterSubnetAutoPoolDefaultRedundantIPNumber: z
    .int()
    .min(0)
    .nullish()
    .transform((value) => value ?? 0),
  podResourceInject: section({ enabled: flag, namespacesExclude: texts, namespacesInclude: texts }),
  iaasNetworkProvider: section({
    serverUrl: text,
    /** Spiderpool's documents write a number of seconds or a Go duration. */
    httpRequestTimeout: z.union([z.number(), z.string()]).nullish(),
  }),
  agent: section({
    networkResourcePlugin: section({
      enabled: flag,
      kubeletRootDir: text,
      devicePluginAffinity: z.unknown().optional(),
      resourceAdvertisement: z.unknown().optional(),
    }),
  }),
  orbweaver: z.preprocess((value) => value ?? {}, ownSchema),
});

export type AgentConfig = z.infer<typeof agentConfigSchema>;

/** Checks what the YAML file holds; an empty file is undefined or null, and turns everything off as in Spiderpool. */
export function parseAgentConfig(value: unknown): AgentConfig {
  return check(agentConfigSchema, value, { subject: 'agent configuration' });
}
