// The tests of one cluster, in order: installation, pods that communicate, agents that end and return, pods that end.

import { join } from 'node:path';
import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { run, until } from './command.ts';
import { playFixedAddresses } from './fixed-addresses.ts';
import { playHostilePods } from './hostile-pods.ts';
import { playHungKubelet } from './hung-kubelet.ts';
import { Installation } from './installation.ts';
import { playKeptAddresses } from './kept-addresses.ts';
import { expectClusterCni, type NetworkSource } from './networks.ts';
import { playNodeLives } from './node-lives.ts';
import type { Outcomes } from './outcome.ts';
import { playOwnController } from './own-controller-play.ts';
import { type PodPlace, podPlaces } from './places.ts';
import { type Cast, castOf, tryAll, untilServed } from './reach.ts';
import { expectListedRights, expectRefusals } from './rights.ts';
import { allocations, nodeTraces, queuedDels, untilNothingLeft } from './traces.ts';
import { playUnderlayService } from './underlay-service.ts';
import { fewPods, WorkloadPods } from './workload-pods.ts';

/** For a while. */
const manyPods = 24;

export interface ScenarioParts {
  readonly cluster: Cluster;
  readonly outcomes: Outcomes;
  /** The checkout. */
  readonly root: string;
  /** The result of {@link builtPrograms}. */
  readonly programs: string;
  /** The executable of Helm. */
  readonly helm: string;
}

interface Circumstances {
  /** These are needed only once, because kube-proxy does not affect these parts. */
  readonly withCompliance: boolean;
  readonly withPodLives: boolean;
  readonly networksFrom: NetworkSource;
}

export class Scenario {
  readonly #cluster: Cluster;
  readonly #outcomes: Outcomes;
  readonly #root: string;
  readonly #installation: Installation;
  readonly #pods: WorkloadPods;

  constructor({ cluster, outcomes, root }: Pick<ScenarioParts, 'cluster' | 'outcomes' | 'root'>) {
    this.#cluster = cluster;
    this.#outcomes = outcomes;
    this.#root = root;
    this.#installation = new Installation(cluster, root);
    this.#pods = new WorkloadPods(cluster, this.#installation);
  }

  async play({ withCompliance, withPodLives, networksFrom }: Circumstances): Promise<void> {
    const outcomes = this.#outcomes;
    await outcomes.require('the CRDs are installed and their rules are enforced', () => this.#installKinds());
    if (withCompliance) {
      await outcomes.check('the compliance suite passes on kube-apiserver unchanged', () =>
        this.#compliance(),
      );
    }
    await playOwnController(this.#cluster, outcomes, this.#installation.controller, networksFrom);
    await outcomes.require('an agent is ready on each node, with the rights of deploy/agent-rbac.yaml', () =>
      this.#installation.startAgents(),
    );
    await outcomes.check('the agents tell their Nodes the CNI configuration', () =>
      expectClusterCni(this.#cluster, '{"name":"default","types":["ptp","portmap"]}'),
    );
    await outcomes.require('underlay pods become Ready with addresses of the pools', () =>
      this.#pods.start(),
    );
    await this.#reach('from the first');
    await outcomes.check('an agent that ends after SIGTERM does not disturb pods', () =>
      this.#restart('TERM'),
    );
    await this.#reach('after SIGTERM and start');
    await outcomes.check('an agent that is killed does not disturb pods', () => this.#restart('KILL'));
    await this.#reach('after kill -9 and start');
    await outcomes.check('a DEL without an agent is queued, and done when the agent is back', () =>
      this.#deleteWithoutAgent(),
    );
    await outcomes.check('the record of a pod whose sandbox died has the addresses of its next sandbox', () =>
      this.#killSandbox(),
    );
    if (withPodLives) {
      await outcomes.check(
        'agents that are killed during many ADDs and DELs lose nothing and leak nothing',
        () => this.#killAmidst(),
      );
      await this.#reach('with pods that came later');
    }
    await outcomes.check('deleted pods leave no address, endpoint, veth, route or file', () =>
      this.#deleteAll(),
    );
    if (withPodLives) {
      const parts = { cluster: this.#cluster, outcomes, installation: this.#installation };
      await playKeptAddresses(parts);
      await playNodeLives(parts);
      await playHungKubelet(parts);
      await playHostilePods(this.#cluster, outcomes);
    }
    await playUnderlayService({ cluster: this.#cluster, outcomes, root: this.#root });
    await outcomes.check('what the tokens of our programs must not do is refused', () =>
      expectRefusals(this.#cluster),
    );
    await outcomes.check('kubectl lists the rights of agent and controller as docs/rights.md does', () =>
      expectListedRights(this.#cluster, ['orbweaver-agent', 'orbweaver-controller']),
    );
    if (withPodLives) {
      await playFixedAddresses({ cluster: this.#cluster, outcomes, root: this.#root });
    }
    await outcomes.check('no request of our programs was refused, and they logged no error', () =>
      this.#installation.expectNoFaults(),
    );
  }

  async #installKinds(): Promise<void> {
    await this.#installation.installKinds();
    await this.#installation.makeUnderlay();
    const moved = JSON.stringify({ spec: { subnet: '192.168.51.0/24' } });
    const refusal = await this.#kubectl('patch', 'spiderippool', 'lan-v4', '--type=merge', '-p', moved).catch(
      String,
    );
    if (!/Invalid value|invalid/.test(refusal))
      throw new Error(`the subnet of a pool can be changed: ${refusal}`);
  }

  async #compliance(): Promise<void> {
    const [enter, ...rest] = this.#cluster.entering('hub');
    const suite = join(this.#root, 'test/compliance/*.test.ts');
    const options = ['--test', '--test-reporter=dot', '--test-concurrency=2', suite];
    await run([enter, ...rest, process.execPath, ...options], { env: this.#cluster.environment });
  }

  #cast(): Promise<Cast> {
    return castOf(this.#cluster, this.#installation.probe);
  }

  async #reach(when: string): Promise<void> {
    await this.#outcomes.check(`nodes, pods and Services are reached ${when}`, async () => {
      const cast = await this.#cast();
      await untilServed(cast);
      console.log(`     ${await tryAll(cast)}`);
    });
  }

  async #restartAgents(signal: 'TERM' | 'KILL'): Promise<void> {
    const { agents } = this.#installation;
    await Promise.all(nodeNames.map((node) => agents.stop(node, signal).then(() => agents.start(node))));
  }

  async #restart(signal: 'TERM' | 'KILL'): Promise<void> {
    const before = await podPlaces(this.#cluster, 'underlay');
    await this.#restartAgents(signal);
    const after = await podPlaces(this.#cluster, 'underlay');
    const text = (pods: readonly PodPlace[]) =>
      pods.map(({ name, addresses }) => `${name} ${addresses.join()}`).join('\n');
    if (text(before) !== text(after)) throw new Error(`before:\n${text(before)}\nafter:\n${text(after)}`);
    await this.#pods.checkAddresses(after);
  }

  async #deleteWithoutAgent(): Promise<void> {
    const node: NodeName = 'node1';
    const pod = (await podPlaces(this.#cluster, 'underlay')).find((one) => one.node === node);
    if (pod === undefined) throw new Error(`${node} has no underlay pod`);
    const object = pod.name.split(' ')[2] ?? '';
    // Without the controller nobody else frees the addresses.
    await this.#installation.controller.stop('TERM');
    await this.#installation.agents.stop(node, 'KILL');
    await this.#kubectl('delete', 'pod', object, '--timeout=120s');
    await until('the DEL is in the queue', 60, async () => (await queuedDels(this.#cluster, node)) > 0);
    const holds = async () => (await allocations(this.#cluster)).some(({ podUid }) => podUid === pod.uid);
    if (!(await holds())) throw new Error('nobody released the addresses of the deleted pod');
    await this.#installation.agents.start(node);
    await until('the queue is empty', 60, async () => (await queuedDels(this.#cluster, node)) === 0);
    await until('the addresses are released', 60, async () => !(await holds()));
    await this.#installation.controller.start();
    await this.#pods.untilReady();
    await this.#pods.checkAddresses(await podPlaces(this.#cluster, 'underlay'));
    const routes = (await nodeTraces(this.#cluster, node)).filter((line) => line.startsWith('route'));
    if (routes.some((line) => pod.addresses.includes(line.split(' ')[1] ?? '')))
      throw new Error(`routes are left: ${routes.join('; ')}`);
  }

  async #killSandbox(): Promise<void> {
    const node: NodeName = 'node2';
    const pod = (await podPlaces(this.#cluster, 'underlay')).find((one) => one.node === node);
    if (pod === undefined) throw new Error(`${node} has no underlay pod`);
    const ctr = ['ctr', '-n', 'k8s.io'];
    const filter = `labels."io.kubernetes.pod.uid"==${pod.uid},labels."io.cri-containerd.kind"==sandbox`;
    const sandboxes = async () =>
      (await this.#cluster.node(node, [...ctr, 'containers', 'ls', '-q', filter]))
        .split('\n')
        .filter(Boolean);
    const [first = ''] = await sandboxes();
    await this.#cluster.node(node, [...ctr, 'tasks', 'kill', '-s', 'SIGKILL', first]);
    await until('there is another sandbox', 90, async () => (await sandboxes()).some((id) => id !== first));
    await this.#pods.untilReady();
    // The kubelet ends the old sandbox before it makes a new one. So the old addresses are released, and are in their rest time.
    await until('the pod has the addresses that the pools record', 60, async () => {
      const after = await podPlaces(this.#cluster, 'underlay');
      await this.#pods.checkAddresses(after);
      return after.some(({ uid }) => uid === pod.uid);
    });
  }

  async #killAmidst(): Promise<void> {
    for (const replicas of [manyPods, fewPods]) {
      const before = (await allocations(this.#cluster)).length;
      await this.#kubectl('scale', 'deployment/underlay', `--replicas=${replicas}`);
      await until('the first addresses come or go', 60, async () => {
        return (await allocations(this.#cluster)).length !== before;
      });
      await this.#restartAgents('KILL');
      await this.#pods.untilReady();
      await until(`${replicas} pods and what they hold`, 120, async () => {
        const pods = await podPlaces(this.#cluster, 'underlay');
        if (pods.length !== replicas) return false;
        await this.#pods.checkAddresses(pods);
        return true;
      });
    }
  }

  async #deleteAll(): Promise<void> {
    await this.#kubectl(
      'delete',
      'deployment/underlay',
      'daemonset/overlay',
      '--cascade=foreground',
      '--timeout=180s',
    );
    await untilNothingLeft(this.#cluster);
  }

  #kubectl(...args: string[]): Promise<string> {
    return this.#cluster.kubectl(args);
  }
}
