// The work of `orbctl uninstall`: one step after the other, each until nothing of it is left.

import { type KubeObject, type Pod, resources } from '#api';
import { type Clock, isOrbError } from '#base';
import { ifFound, type KubeClient } from '#kube';
import { AGENTS, CONTROLLER, FLOATING_IPS_NAME, PROGRAM_LABEL, ROUTES_NAME } from '#plan/installation';
import { PoolLedger } from '#plan/ipam';
import { isOfNeutron } from '#plan/openstack';
import {
  agentsTask,
  type ClusterRemoval,
  type ClusterStep,
  clearingPatch,
  clusterSteps,
  type FoundObject,
  listedKinds,
  namedObjects,
  type PodInTheWay,
  podsInTheWay,
  removals,
} from '#plan/uninstall';
import { recordsOf } from '#reclaim';
import { counted } from '../number-text.ts';
import type { UninstallFlags } from '../uninstall.ts';

/** How often a step looks whether something is left. */
const LOOK_EVERY_MS = 500;

interface UninstallParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Prints a line. */
  readonly say: (line: string) => void;
}

/** Resolves with the exit code. Throws what the API server answers if it cannot be read or written. */
export async function runUninstall(parts: UninstallParts, flags: UninstallFlags): Promise<number> {
  const uninstallation = new Uninstallation(parts, flags);
  return flags.dryRun ? uninstallation.tell() : uninstallation.run();
}

class Uninstallation {
  readonly #parts: UninstallParts;
  readonly #flags: UninstallFlags;

  constructor(parts: UninstallParts, flags: UninstallFlags) {
    this.#parts = parts;
    this.#flags = flags;
  }

  async tell(): Promise<number> {
    const { say } = this.#parts;
    const pods = await this.#pods();
    for (const pod of pods) say(podLine(pod));
    for (const step of clusterSteps) {
      for (const one of removals(step, await this.#found(step))) say(`would be removed: ${removalText(one)}`);
    }
    say(
      pods.length === 0
        ? 'no pod has a NIC of ours'
        : `${counted(pods.length, 'pod')} with a NIC of ours: delete them or give them another network first`,
    );
    return pods.length === 0 ? 0 : 1;
  }

  async run(): Promise<number> {
    const { say } = this.#parts;
    if (!(await this.#untilNoPods())) return 1;
    for (const step of clusterSteps) {
      const left = step === 'agents' ? await this.#clearNodes() : await this.#clear(step);
      if (left === undefined) continue;
      say(`${left} after ${this.#flags.wait} s: look why, and repeat the command`);
      return 1;
    }
    say('Orbweaver is uninstalled. Pools, networks and their kinds are still there.');
    await this.#tellOfCloud();
    return 0;
  }

  /** The ledgers are still there if they list something. Ports of pools have none. This command has no login. */
  async #tellOfCloud(): Promise<void> {
    const { client, say } = this.#parts;
    const { namespace } = this.#flags;
    const ledgers = [ROUTES_NAME, FLOATING_IPS_NAME].map((name) =>
      ifFound(client.get(resources.configMaps, { namespace, name })),
    );
    const left = (await Promise.all(ledgers)).filter((ledger) => ledger !== undefined);
    const { items: pools } = await client.list(resources.spiderIPPools);
    if (left.length > 0 || pools.some(isOfNeutron))
      say(
        'OpenStack still has routes, floating IPs or ports of pools of this cluster: orbctl openstack sweep --apply removes them',
      );
  }

  /** Says which pods are in the way each time that they change. */
  async #untilNoPods(): Promise<boolean> {
    const { say } = this.#parts;
    let told = '';
    return this.#until(async () => {
      const lines = (await this.#pods()).map(podLine);
      if (lines.join('\n') !== told) for (const line of lines) say(line);
      told = lines.join('\n');
      return lines.length === 0;
    }).then((isDone) => {
      if (!isDone)
        say('nothing was removed: delete these pods or give them another network, and repeat the command');
      return isDone;
    });
  }

  async #pods(): Promise<PodInTheWay[]> {
    const { client } = this.#parts;
    // Without our kinds there is no record. Pools come first: a pod that is made afterwards has no record in them.
    const pools = (await ifFound(client.list(resources.spiderIPPools)))?.items ?? [];
    const endpoints = (await ifFound(client.list(resources.spiderEndpoints)))?.items ?? [];
    const { items: pods } = await client.list(resources.pods);
    const records = pools.flatMap((pool) => recordsOf(PoolLedger.read(pool)));
    return podsInTheWay(pods, records, endpoints);
  }

  /** What is left in the end, in words; undefined when nothing is. */
  async #clear(step: ClusterStep): Promise<string | undefined> {
    let left: readonly FoundObject[] = [];
    const isDone = await this.#until(async () => {
      left = await this.#found(step);
      const todo = removals(step, left);
      for (const one of todo) await this.#remove(one);
      // An object that is being deleted, and pods of a workload, take a moment.
      return todo.length === 0 && (step !== 'controller' || (await this.#podsOf(CONTROLLER)).length === 0);
    });
    return isDone ? undefined : `${step}: something is still there`;
  }

  async #clearNodes(): Promise<string | undefined> {
    const { client, say } = this.#parts;
    const ref = { namespace: this.#flags.namespace, name: AGENTS };
    const isDone = await this.#until(async () => {
      const agents = await ifFound(client.get(resources.daemonSets, ref));
      if (agents === undefined) return (await this.#podsOf(AGENTS)).length === 0;
      const task = agentsTask(agents);
      if (task === 'tell') {
        await client.patch(resources.daemonSets, ref, { type: 'strategic', body: clearingPatch(agents) });
        say('the agents are told to clear their nodes');
      }
      if (task === 'delete') {
        say('every node is cleared');
        await client.delete(resources.daemonSets, ref);
      }
      return false;
    });
    if (isDone) return undefined;
    const nodes = (await this.#podsOf(AGENTS))
      .filter((pod) => !isReady(pod))
      .map(({ spec }) => spec?.nodeName ?? '-');
    return `agents: not cleared are the nodes ${nodes.toSorted().join(' ')}`;
  }

  async #podsOf(program: string): Promise<readonly Pod[]> {
    const { namespace } = this.#flags;
    const labelSelector = `${PROGRAM_LABEL}=${program}`;
    return (await this.#parts.client.list(resources.pods, { namespace, labelSelector })).items;
  }

  async #found(step: ClusterStep): Promise<FoundObject[]> {
    const { client } = this.#parts;
    const found: FoundObject[] = [];
    for (const { type, ...ref } of namedObjects(step, this.#flags.namespace)) {
      const object = await ifFound<KubeObject>(client.get(type, ref));
      if (object !== undefined) found.push({ type, object });
    }
    for (const type of listedKinds(step)) {
      const list = await ifFound(client.list<KubeObject>(type));
      for (const object of list?.items ?? []) found.push({ type, object });
    }
    return found;
  }

  async #remove(removal: ClusterRemoval): Promise<void> {
    const { client, say } = this.#parts;
    const { type, name, namespace } = removal;
    const ref = { name, ...(namespace !== undefined && { namespace }) };
    const request =
      removal.verb === 'delete'
        ? client.delete(type, ref)
        : client.patch(type, ref, {
            ...{ type: 'merge', body: removal.body },
            ...(removal.subresource !== undefined && { subresource: removal.subresource }),
          });
    try {
      // Somebody else may have removed it.
      await ifFound<unknown>(request);
      say(`removed: ${removalText(removal)}`);
    } catch (error) {
      // Somebody else has changed it. The next look sees the change.
      if (!isOrbError(error, 'KUBE_CONFLICT')) throw error;
    }
  }

  /** Looks until it is done or the time is over. */
  async #until(look: () => Promise<boolean>): Promise<boolean> {
    const { clock } = this.#parts;
    const end = clock.now() + this.#flags.wait * 1000;
    while (!(await look())) {
      if (clock.now() >= end) return false;
      await clock.sleep(LOOK_EVERY_MS, new AbortController().signal);
    }
    return true;
  }
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

function podLine({ namespace, name, node, addresses }: PodInTheWay): string {
  const where = node === '' ? 'no node' : node;
  return `pod ${namespace}/${name} on ${where} has a NIC of ours (${addresses.join(' ') || 'no address'})`;
}

function removalText(removal: ClusterRemoval): string {
  const { type, name, namespace } = removal;
  const object = `${type.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  return removal.verb === 'delete' ? object : `${removal.what} of ${object}`;
}
