// One node on one LAN: a bridge, the node's NIC, the embedded API server with our kinds, and the agent, as real processes.
//
//   if (insideNamespaces(import.meta.filename)) {
//     const node = await OneNode.start();
//     try { … node.client, node.createPod('a'), new Runtime() (runtime.ts) … } finally { await node.stop(); }
//   }
//
// Everything is made in the caller's namespaces, which must be its own. It starts programs that `npm run build` has made.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import {
  type CustomResourceDefinition,
  type Pod,
  resources,
  type SpiderCoordinator,
  type SpiderIPPool,
} from '#api';
import { isOrbError, silentLogger } from '#base';
import { connect, kubeconfigFile } from '#kube';
import { coverFolders } from './namespaces.ts';
import { Daemon, runProgram } from './program.ts';

const root = join(import.meta.dirname, '../..');

export const nodeName = 'node1';
/** The master of macvlan, with the node's addresses. */
export const nodeNic = 'lan0';
export const nodeAddress = { 4: '10.6.0.101', 6: 'fd00:10:6::101' } as const;
export const subnet = { 4: '10.6.0.0/16', 6: 'fd00:10:6::/64' } as const;
export const gateway = { 4: '10.6.0.1', 6: 'fd00:10:6::1' } as const;
export const overlayCidrs = ['10.244.0.0/16', 'fd00:10:244::/56'] as const;
export const serviceCidrs = ['10.96.0.0/16', 'fd00:10:96::/112'] as const;

/** The folder of the reference plugins of containernetworking/plugins. */
const referencePlugins = '/usr/lib/cni';

// An agent's threads mostly wait in the kernel, and young objects are few. Separate heaps and V8's default young space would cost
// 20 MB (docs/performance.md).
const builtAgent = ['env', 'MALLOC_ARENA_MAX=2', process.execPath, '--max-semi-space-size=2'];
/** The agent and its CNI executable are those of dist/, or those of the image: test/image sets the variable to its launcher. */
const { ORBWEAVER_TEST_LAUNCHER: launcher } = process.env;
const agentCommand: [string, ...string[]] =
  launcher === undefined
    ? ['env', ...builtAgent.slice(1), join(root, 'dist/agent.mjs')]
    : [process.execPath, launcher];
const shim = launcher === undefined ? join(root, 'dist/ow-cni') : '/opt/orbweaver/ow-cni';

/** The command of a node's agent. */
export const agentOf = (kubeconfig: string, node: string, config: string): [string, ...string[]] => [
  ...agentCommand,
  ...['--kubeconfig', kubeconfig, '--node-name', node, '--config-path', config],
  ...['--health-port', '5710', '--install-from', shim],
];

/** Optional settings of a node. */
export interface OneNodeOptions {
  /** Lines of the agent's conf.yml below its key `orbweaver`, e.g. `{maxConcurrentRequests: 64}`. */
  readonly agent?: Readonly<Record<string, unknown>>;
  /** Other keys of conf.yml. */
  readonly conf?: Readonly<Record<string, unknown>>;
  /** The folder for state and logs. The default is a temporary folder, which {@link OneNode.stop} removes. */
  readonly folder?: string;
}

/** The running node. */
export class OneNode {
  readonly folder: string;
  readonly apiServer: Daemon;
  readonly agent: Daemon;
  readonly #ownFolder: boolean;
  #client: ReturnType<typeof connect> | undefined;

  /** The node with its state in `folder`, running or not. */
  constructor(folder: string, ownFolder = false) {
    this.folder = folder;
    this.#ownFolder = ownFolder;
    const node = process.execPath;
    const file = (name: string) => join(folder, name);
    this.apiServer = new Daemon('apiserver', folder, [
      ...([
        node,
        join(root, 'dist/apiserver.mjs'),
        '--data-dir',
        file('api'),
        '--token-file',
        file('token'),
      ] as const),
      ...[
        '--kubeconfig',
        this.kubeconfig,
        '--listen',
        '127.0.0.1:6443',
        '--service-cidr',
        serviceCidrs.join(','),
      ],
    ]);
    this.agent = new Daemon('agent', folder, agentOf(this.kubeconfig, nodeName, file('conf.yml')));
  }

  /** Makes the LAN, starts both programs, and resolves when the agent's socket exists. */
  static async start(options: OneNodeOptions = {}): Promise<OneNode> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'orbweaver-e2e-'));
    const node = new OneNode(folder, options.folder === undefined);
    try {
      coverFolders();
      makeLan();
      linkReferencePlugins();
      // JSON is YAML.
      const conf = {
        ...{
          enableIPv4: true,
          enableIPv6: true,
          enableSpiderSubnet: true,
          enableAutoPoolForApplication: true,
        },
        orbweaver: options.agent ?? {},
        ...options.conf,
      };
      writeFileSync(join(folder, 'conf.yml'), JSON.stringify(conf));
      await node.startApiServer();
      await node.#fillCluster();
      await node.startAgent();
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  /** A client of the API server. It survives restarts of the server. */
  get client(): ReturnType<typeof connect> {
    this.#client ??= connect(kubeconfigFile(this.kubeconfig), { log: silentLogger });
    return this.#client;
  }

  async startApiServer(): Promise<void> {
    await this.apiServer.start(async () => existsSync(this.kubeconfig) && (await accepts({ port: 6443 })));
  }

  /** Starts the agent, and resolves when it accepts requests. ADDs wait until the agent has read the cluster. */
  async startAgent(): Promise<void> {
    await this.agent.start(agentAccepts);
  }

  /** Starts every program that does not run, after a test that has stopped it. */
  async revive(): Promise<void> {
    if (this.apiServer.pid === undefined) await this.startApiServer();
    if (this.agent.pid === undefined) await this.startAgent();
  }

  /** A pod of this node, in the state that the scheduler leaves. */
  createPod(name: string, annotations: Record<string, string> = {}, namespace = 'default'): Promise<Pod> {
    return this.client.create(resources.pods, {
      metadata: { name, namespace, annotations },
      spec: { nodeName, containers: [{ name: 'c', image: 'i' }] },
    } as Pod);
  }

  /** A pool of the LAN. `spec` overrides the subnet and gateway of the pool's family. */
  createPool(name: string, family: 4 | 6, spec: Partial<SpiderIPPool['spec']> = {}): Promise<SpiderIPPool> {
    return this.client.create(resources.spiderIPPools, {
      metadata: { name },
      spec: { subnet: subnet[family], gateway: gateway[family], ipVersion: family, ...spec },
    } as SpiderIPPool);
  }

  /** The pools `v4` and `v6` of the LAN, with more addresses than a test needs. */
  async createPools(): Promise<void> {
    await this.createPool('v4', 4, { ips: ['10.6.1.1-10.6.1.250'] });
    await this.createPool('v6', 6, { ips: ['fd00:10:6::1:1-fd00:10:6::2:0'] });
  }

  /** An IPv4 pool whose provider has made ready all of its addresses, each for its own link. */
  async createProvidedPool(
    name: string,
    network: { readonly subnet: string; readonly gateway: string },
    links: Readonly<Record<string, { readonly vlan: number; readonly mac: string }>>,
  ): Promise<void> {
    await this.createPool(name, 4, { ...network, ips: Object.keys(links) });
    const { spiderIPPools } = resources;
    const annotations = { 'ipam.spidernet.io/iaas-provider': 'somecloud' };
    await this.client.patch(spiderIPPools, { name }, { type: 'merge', body: { metadata: { annotations } } });
    const body = { status: { ipMetaData: { metadata: JSON.stringify(links) } } };
    await this.client.patch(spiderIPPools, { name }, { type: 'merge', body, subresource: 'status' });
  }

  /** The addresses that a pool records as held, each with its holder. */
  async held(pool: string): Promise<Record<string, { pod: string; podUid: string; nic?: string }>> {
    const { status } = await this.client.get(resources.spiderIPPools, { name: pool });
    return JSON.parse(status?.allocatedIPs ?? '{}') as Awaited<ReturnType<OneNode['held']>>;
  }

  /** Closes the connections of {@link OneNode.client}. The programs continue to run. */
  close(): void {
    this.#client?.close();
  }

  /** Stops both programs, and removes the folder if the node made it. The namespaces end with the caller's process. */
  async stop(): Promise<void> {
    this.close();
    await this.agent.stop('SIGKILL');
    await this.apiServer.stop('SIGKILL');
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes our kinds, the Node, and the coordinator's settings in the form that its controller leaves. */
  async #fillCluster(): Promise<void> {
    const { client } = this;
    const folder = join(root, 'deploy/crds');
    const kinds = readdirSync(folder).map(
      (name) => parseYaml(readFileSync(join(folder, name), 'utf8')) as CustomResourceDefinition,
    );
    await Promise.all(
      kinds.map(async (kind) => {
        await client.create(resources.customResourceDefinitions, kind).catch((error: unknown) => {
          if (!isOrbError(error, 'KUBE_ALREADY_EXISTS')) throw error;
        });
      }),
    );
    const made = await client.create(resources.nodes, { metadata: { name: nodeName } });
    const addresses = [nodeAddress[4], nodeAddress[6]].map((address) => ({ type: 'InternalIP', address }));
    await client.updateStatus(resources.nodes, { ...made, status: { ...made.status, addresses } });
    const coordinator = await client.create(resources.spiderCoordinators, {
      metadata: { name: 'default' },
      spec: { mode: 'auto', podCIDRType: 'none' },
    } as SpiderCoordinator);
    await client.updateStatus(resources.spiderCoordinators, {
      ...coordinator,
      status: { phase: 'Synced', overlayPodCIDR: [...overlayCidrs], serviceCIDR: [...serviceCidrs] },
    });
  }
}

/**
 * Makes a bridge as the LAN's switch, with the node's NIC in it. It also adds a first rule to the namespace.
 * With the first rule, the kernel separates the local routes from table main. For an instant neither table has them
 * (fib4_rule_configure: fib_unmerge comes before fib_has_custom_rules), and 127.0.0.1 is unreachable.
 * Here this happens before the agent makes its rule, while no program communicates.
 */
function makeLan(): void {
  // An earlier node of these namespaces has left it.
  const hasRule = /^32765:/m.test(runProgram('ip', ['rule']));
  const lines = [
    ...(hasRule ? [] : ['rule add priority 32765 lookup main']),
    'link set lo up',
    'link add lan type bridge',
    'link set lan up',
    `link add ${nodeNic} type veth peer name lan-port0`,
    'link set lan-port0 master lan up',
    `link set ${nodeNic} up`,
    `addr add ${nodeAddress[4]}/16 dev ${nodeNic}`,
    `addr add ${nodeAddress[6]}/64 dev ${nodeNic} nodad`,
  ];
  runProgram('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
}

/** Gives this mount namespace the plugins that a node has besides ours. */
export function linkReferencePlugins(): void {
  for (const name of readdirSync(referencePlugins))
    symlinkSync(join(referencePlugins, name), join('/opt/cni/bin', name));
}

/** Whether the agent of this mount namespace accepts requests. */
export const agentAccepts = (): Promise<boolean> => accepts({ path: '/run/orbweaver/agent.sock' });

function accepts(address: { port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(address);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
