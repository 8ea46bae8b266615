// The agents of one load process of the scale benchmark, without nodes: only their allocators.
// `node bench/scale-load.ts ORDER` prints `ready` when all agents have listed the cluster. It begins with the first line
// on stdin, prints each given address as a line of JSON, and at last the outcome.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, silentLogger, systemClock } from '#base';
import { noProvider } from '#iaas/testing';
import { formatAddress } from '#ip';
import { connect, kubeconfigFile } from '#kube';
import { CONTROLLER_LEASE } from '#plan/installation';
import { LeaderLink, LeaderToken } from '#pools';
import { endProgram } from '#program';
import { ClusterView } from '../src/agent/cluster-view.ts';
import { Allocator } from '../src/agent/ipam/index.ts';
import { silentIpamMetrics } from '../src/agent/ipam/metrics.ts';
import { AGENT_ACCOUNT, type Given, type LoadNic, type LoadOutcome, type Order } from './scale/order.ts';
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

/** Kubelet calls a failed ADD again, with a new sandbox, after about a second. */
const KUBELET_RETRY_MS = 1000;

/** What a NIC of a pod got. */
type Addresses = Pick<Given, 'podUid' | 'addresses'>;

/** One node's agent, as far as the benchmark needs it. */
interface LoadAgent {
  allocate(pod: string, nic: LoadNic): Promise<Addresses>;
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
    requests: { running: 0 },
    ...common,
    leader: order.writer === 'leader' ? leader : undefined,
    view,
    nodeName,
    agentNamespace: 'kube-system',
    families: order.nics.some(({ ipv6 }) => ipv6.length > 0) ? [4, 6] : [4],
    fixedForStatefulSets: false,
    fixedForVirtualMachines: false,
    addressRestMs: 0,
    iaas: noProvider,
    parentMac: () => undefined,
    madeLink: () => undefined,
  });
  await allocator.start();
  const number = Number(/\d+$/.exec(nodeName)?.[0] ?? 0);
  const call = (podName: string) => ({
    podNamespace: 'default',
    podName,
    signal: AbortSignal.timeout(ADD_TIMEOUT_MS),
    log: silentLogger,
  });
  return {
    async allocate(pod, { name, ipv4, ipv6 }) {
      const ipam = {
        type: 'spiderpool',
        default_ipv4_ippool: rotated(ipv4, number),
        default_ipv6_ippool: rotated(ipv6, number),
      };
      const { podUid, addresses } = await allocator.allocate({
        ...call(pod),
        containerId: pod,
        interfaceName: name,
        podUid: undefined,
        conf: { name: 'net', type: 'macvlan', ipam },
        requested: {},
        requestedMacs: {},
        parentNetworks: async () => [],
      });
      const own = addresses.filter(({ nic }) => nic === name);
      return { podUid, addresses: own.map(({ address: { address } }) => formatAddress(address)) };
    },
    release: (pod, podUid) => allocator.release({ ...call(pod), podUid, nic: undefined, held: [] }),
    async stop() {
      await allocator.stop();
      leader.close();
      client.close();
    },
  };
}

/** The list from that place on, and then its beginning. */
function rotated(pools: readonly string[], by: number): string[] {
  const at = pools.length === 0 ? 0 : by % pools.length;
  return [...pools.slice(at), ...pools.slice(0, at)];
}

class Load {
  readonly #order: Order;
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
        await this.#untilDone(() => agent.release(pod, podUid));
        await this.#allocate(agent, pod);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, podsPerAgent) }, worker));
  }

  /** The UID of the pod; undefined if a NIC of it got no address. The NICs ask one after the other, as Multus does. */
  async #allocate(agent: LoadAgent, pod: string): Promise<string | undefined> {
    let uid: string | undefined;
    for (const nic of this.#order.nics) {
      const sentMs = performance.now();
      const got = await this.#untilDone(() => agent.allocate(pod, nic));
      if (got === undefined) return undefined;
      const nowMs = performance.now();
      const times = { tookMs: nowMs - sentMs, endMs: nowMs - this.#beganMs };
      console.log(JSON.stringify({ pod, nic: nic.name, ...got, ...times } satisfies Given));
      uid = got.podUid;
    }
    return uid;
  }

  /** Undefined if it failed, and is not to be asked again. */
  async #untilDone<T>(request: () => Promise<T>): Promise<T | undefined> {
    const { load, limitMs } = this.#order;
    for (;;) {
      try {
        return await request();
      } catch (error) {
        this.#firstFailure ??= errorText(error);
        if (load.repeats !== true || performance.now() - this.#beganMs > limitMs) {
          this.#failures++;
          return undefined;
        }
        await sleep(KUBELET_RETRY_MS);
      }
    }
  }
}

const order = JSON.parse(process.argv[2] ?? '') as Order;
console.log(JSON.stringify(await new Load(order).run()));
// Connections of the clients may still be open.
await endProgram(0);
