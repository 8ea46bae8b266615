// The agents of one load process of the scale benchmark, without nodes: only their allocators.
// `node bench/scale-load.ts ORDER` prints `ready` when all agents have listed the cluster. It begins with the first line
// on stdin, and prints the outcome as JSON.

import { once } from 'node:events';
import { errorText, silentLogger, systemClock } from '#base';
import { connect, kubeconfigFile } from '#kube';
import { CONTROLLER_LEASE, LeaderLink, LeaderToken } from '#pools';
import { endProgram } from '#program';
import { ClusterView } from '../src/agent/cluster-view.ts';
import { Allocator } from '../src/agent/ipam/index.ts';
import { silentIpamMetrics } from '../src/agent/ipam/metrics.ts';
import { AGENT_ACCOUNT, type LoadOutcome, type Order } from './scale/order.ts';
import { UpstreamWriter } from './scale/upstream-writer.ts';

/** The time that a kubelet waits for one ADD. */
const ADD_TIMEOUT_MS = 120_000;
/** What the agents count together. */
const counted = { conflicts: 0, led: 0 };
const metrics = {
  ...silentIpamMetrics,
  led: () => void counted.led++,
  conflicted: () => void counted.conflicts++,
};

/** One node's agent, as far as the benchmark needs it. */
interface LoadAgent {
  allocate(pod: string): Promise<{ podUid: string }>;
  release(pod: string, podUid: string): Promise<void>;
  stop(): Promise<void>;
}

async function startAgent(order: Order, nodeName: string): Promise<LoadAgent> {
  const client = connect(kubeconfigFile(order.kubeconfig), { log: silentLogger });
  const common = { client, clock: systemClock, log: silentLogger, metrics };
  if (order.writer === 'upstream') return new UpstreamWriter(client, order, metrics);
  const view = new ClusterView({ ...common, nodeName });
  const account = { namespace: 'kube-system', name: AGENT_ACCOUNT };
  const token = new LeaderToken({ client, clock: systemClock, account });
  const lease = { namespace: 'kube-system', name: CONTROLLER_LEASE };
  const leader = new LeaderLink({ ...common, lease, token: () => token.get() });
  const allocator = new Allocator({
    ...common,
    leader: order.writer === 'leader' ? leader : undefined,
    view,
    nodeName,
    agentNamespace: 'kube-system',
    families: [4],
    fixedForStatefulSets: false,
    fixedForVirtualMachines: false,
    addressRestMs: 0,
  });
  await allocator.start();
  const conf = {
    name: 'net',
    type: 'macvlan',
    ipam: { type: 'spiderpool', default_ipv4_ippool: [order.pool] },
  };
  const call = (podName: string) => ({
    podNamespace: 'default',
    podName,
    signal: AbortSignal.timeout(ADD_TIMEOUT_MS),
    log: silentLogger,
  });
  return {
    allocate: (pod) =>
      allocator.allocate({
        ...call(pod),
        containerId: pod,
        interfaceName: 'eth0',
        podUid: undefined,
        conf,
        requested: {},
        requestedMacs: {},
        parentNetworks: async () => [],
      }),
    release: (pod, podUid) => allocator.release({ ...call(pod), podUid, nic: undefined, held: [] }),
    async stop() {
      await allocator.stop();
      client.close();
    },
  };
}

class Load {
  readonly #order: Order;
  readonly #latenciesMs: number[] = [];
  readonly #endsMs: number[] = [];
  #failures = 0;
  #firstFailure: string | undefined;
  #beganMs = 0;

  constructor(order: Order) {
    this.#order = order;
  }

  async run(): Promise<LoadOutcome> {
    const { nodes } = this.#order;
    const agents = await Promise.all(nodes.map((node) => startAgent(this.#order, node)));
    console.log('ready');
    await once(process.stdin, 'data');
    this.#beganMs = performance.now();
    await Promise.all(agents.map((agent, index) => this.#drive(agent, nodes[index] as string)));
    await Promise.all(agents.map((agent) => agent.stop()));
    return {
      latenciesMs: this.#latenciesMs,
      endsMs: this.#endsMs,
      failures: this.#failures,
      ...(this.#firstFailure !== undefined && { firstFailure: this.#firstFailure }),
      ...counted,
    };
  }

  async #drive(agent: LoadAgent, node: string): Promise<void> {
    const { podsPerAgent, parallel, releases } = this.#order.load;
    let next = 0;
    const worker = async () => {
      while (next < podsPerAgent) {
        const index = next++;
        const pod = `${node}-${index}`;
        const podUid = await this.#allocate(agent, pod);
        if (!releases || index % 2 === 0 || podUid === undefined) continue;
        await agent.release(pod, podUid);
        await this.#allocate(agent, pod);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, podsPerAgent) }, worker));
  }

  /** The UID of the pod; undefined if it got no address. */
  async #allocate(agent: LoadAgent, pod: string): Promise<string | undefined> {
    const sentMs = performance.now();
    try {
      const { podUid } = await agent.allocate(pod);
      this.#latenciesMs.push(performance.now() - sentMs);
      this.#endsMs.push(performance.now() - this.#beganMs);
      return podUid;
    } catch (error) {
      this.#failures++;
      this.#firstFailure ??= errorText(error);
      return undefined;
    }
  }
}

const order = JSON.parse(process.argv[2] ?? '') as Order;
console.log(JSON.stringify(await new Load(order).run()));
// Connections of the clients may still be open.
await endProgram(0);
