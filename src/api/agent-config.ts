// The agent's configuration file: the keys of Spiderpool's `conf.yml` (ConfigMap `spiderpool-conf`), and a few of our
// own.

import { z } from 'zod';
import { goSeconds } from './go-duration.ts';
import { openObject } from './open-object.ts';
import { serviceModeSchema } from './spiderpool/index.ts';
import { check } from './validation.ts';

/** A key without a value means Go's zero value, as in Spiderpool. */
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

/** An absent section means that every key in it is absent. */
function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, openObject(shape));
}

/** Spiderpool refuses a time of the provider that is not below this. */
const LONGEST_PROVIDER_SECONDS = 100;

/** A number of seconds or a Go duration, as Spiderpool's documents write it. In milliseconds. */
const providerTimeout = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((value, context) => {
    const seconds = typeof value === 'string' && value !== '' ? goSeconds(value) : value || 50;
    if (typeof seconds === 'number' && seconds > 0 && seconds < LONGEST_PROVIDER_SECONDS)
      return seconds * 1000;
    const message = `must be a duration above 0 and below ${LONGEST_PROVIDER_SECONDS}s, for example 50s`;
    context.addIssue({ code: 'custom', message, input: value });
    return z.NEVER;
  });

/** Our own section. Unknown keys are errors here, because no other program writes it. */
const ownSchema = z.strictObject({
  /** The number of CNI requests served at once. Other requests wait with their deadlines. */
  maxConcurrentRequests: z.int().min(1).max(1024).default(16),
  /**
   * How long a released address is not given out while its pool has others. In this time neighbours' ARP caches expire.
   */
  addressRestSeconds: z.int().min(0).max(86_400).default(30),
  /** The deadline of probes for an address conflict and for the gateway. Without a fault they take a third of it. */
  probeDeadlineMs: z.int().min(50).max(10_000).default(300),
  /** The agent's socket, with mode 0600 in a directory of its own. */
  socketPath: z.string().startsWith('/').default('/run/orbweaver/agent.sock'),
  /** The directory of the attachments and the queue of DELs. */
  stateDirectory: z.string().startsWith('/').default('/var/lib/orbweaver'),
  /** The directory of the node's CNI configurations, as the agent sees it. */
  cniConfDirectory: z.string().startsWith('/').default('/etc/cni/net.d'),
  /**
   * Who serves Services to this node's sockets: kube-proxy alone, or our BPF programs in socket calls before it. The
   * SpiderCoordinator's `serviceMode` comes first.
   */
  serviceMode: serviceModeSchema.default('kube-proxy'),
  /** The cgroup, of version 2, whose processes the programs serve. */
  serviceCgroup: z.string().startsWith('/').default('/sys/fs/cgroup'),
  /** A directory for the programs alone, in a file system of type bpf. */
  serviceBpfFolder: z.string().startsWith('/').default('/sys/fs/bpf/orbweaver'),
  /** Whether sockets get the externalIPs of Services. Whoever may write Services then takes connections to any address. */
  serviceExternalIPs: z.boolean().default(false),
  /** Whether the agent serves Services to packets in place of kube-proxy. Then no kube-proxy must run on the node. */
  kubeProxyReplacement: z.boolean().default(false),
  /** A port of Neutron keeps addresses ready for pods, of each subnet: with fewer than `Low`, more are fetched up to `High`. */
  neutronReadyLow: z.int().min(0).max(100).default(4),
  neutronReadyHigh: z.int().min(0).max(200).default(12),
  /** Whether the Node says to the scheduler how many addresses of Neutron it has for pods. */
  neutronCountAddresses: z.boolean().default(false),
  /** A VM of OpenStack keeps so many NICs ready for pods, of each network that pods have asked for. */
  nicsReadyLow: z.int().min(0).max(30).default(0),
  nicsReadyHigh: z.int().min(0).max(30).default(2),
  /** The URL of the API server, for a node that cannot reach the one in the pod's environment at boot. */
  apiServer: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
});

const agentConfigSchema = section({
  /** The socket of Spiderpool's own agent. Our agent does not use it. */
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
    serverUrl: text.refine((url) => url === '' || isHttpUrl(url), {
      error: 'must be an http or https URL, for example https://provider.example:8443',
    }),
    httpRequestTimeout: providerTimeout,
    /** Files in PEM, ours alone. Without `caFile` the certificates of the system count. */
    tls: section({ caFile: text, certFile: text, keyFile: text }).refine(
      ({ certFile, keyFile }) => (certFile === '') === (keyFile === ''),
      { error: 'must have both certFile and keyFile, or neither' },
    ),
  }),
  agent: section({
    networkResourcePlugin: section({
      enabled: flag,
      kubeletRootDir: text,
      devicePluginAffinity: z.unknown().optional(),
      resourceAdvertisement: z.unknown().optional(),
    }),
  }),
  orbweaver: z.preprocess(
    (value) => value ?? {},
    ownSchema
      .refine(({ neutronReadyLow: low, neutronReadyHigh: high }) => low <= high, {
        path: ['neutronReadyLow'],
        error: 'must not be above neutronReadyHigh',
      })
      .refine(({ nicsReadyLow: low, nicsReadyHigh: high }) => low <= high, {
        path: ['nicsReadyLow'],
        error: 'must not be above nicsReadyHigh',
      }),
  ),
});

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^/]/.test(text) && URL.canParse(text);
}

export type AgentConfig = z.infer<typeof agentConfigSchema>;

/**
 * Checks the content of the YAML file. An empty file is undefined or null, and turns everything off, as in Spiderpool.
 */
export function parseAgentConfig(value: unknown): AgentConfig {
  return check(agentConfigSchema, value, { subject: 'agent configuration' });
}
