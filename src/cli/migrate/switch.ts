// Puts the programs of one installation to sleep and wakes those of the other, so that both never work at one time.

import { type DaemonSet, type Deployment, type ResourceType, resources } from '#api';
import { type Clock, OrbError } from '#base';
import { againOnConflict, type KubeClient } from '#kube';
import {
  type AdmissionCall,
  type Installation,
  inOrderOfSleep,
  inOrderOfWaking,
  isAsleep,
  isNodeReady,
  type Patch,
  type Program,
  type Sleeper,
  sleeperName,
  sleepPatch,
  wakePatch,
} from '#plan/migration';

/** How often the cluster is looked at while pods end or start. */
const LOOK_MS = 1_000;
/** Others write the status of a workload again and again. */
const MOST_CONFLICTS = 10;

export interface SwitchParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Tells a step that is done. */
  readonly say: (line: string) => void;
  /** How long pods may take to end, and others to become ready. */
  readonly patienceMs: number;
}

export class Switch {
  readonly #parts: SwitchParts;

  constructor(parts: SwitchParts) {
    this.#parts = parts;
  }

  /** Resolves when no pod of it runs any more. What sleeps already is left alone. Throws MIGRATION_STEP_LATE. */
  async putToSleep(installation: Installation): Promise<void> {
    for (const sleeper of inOrderOfSleep(installation)) {
      if (await this.#patch(sleeper, (now) => (isAsleep(now) ? undefined : sleepPatch(now))))
        this.#parts.say(`${sleeperName(sleeper)} sleeps`);
    }
    await this.#until(() => this.#podsOf(installation.programs), 'these pods have not ended');
  }

  /** Resolves when all its programs are ready. Webhooks are woken then. Throws MIGRATION_STEP_LATE. */
  async wake(installation: Installation): Promise<void> {
    const sleepers = inOrderOfWaking(installation);
    await this.#wakeEach(sleepers.filter(isProgram));
    await this.#until(() => this.#unready(installation.programs), 'these programs are not ready');
    await this.#wakeEach(sleepers.filter((sleeper) => !isProgram(sleeper)));
  }

  async #wakeEach(sleepers: readonly Sleeper[]): Promise<void> {
    for (const sleeper of sleepers) {
      if (await this.#patch(sleeper, (now) => (isAsleep(now) ? wakePatch(now) : undefined)))
        this.#parts.say(`${sleeperName(sleeper)} is awake`);
    }
  }

  /** Whether it was written. `patchOf` gets the newest object, and the write is refused if it changed meanwhile. */
  async #patch(sleeper: Sleeper, patchOf: (now: Sleeper) => Patch | undefined): Promise<boolean> {
    return await againOnConflict(MOST_CONFLICTS, async () => {
      const now = await this.#newest(sleeper);
      const patch = patchOf(now);
      if (patch === undefined) return false;
      const { resourceVersion } = now.object.metadata;
      const body = { ...patch, metadata: { ...(patch.metadata as object), resourceVersion } };
      await this.#parts.client.patch(typeOf(now), refOf(now), { type: 'merge', body });
      return true;
    });
  }

  async #newest<T extends Sleeper>(sleeper: T): Promise<T> {
    return { ...sleeper, object: await this.#parts.client.get(typeOf(sleeper), refOf(sleeper)) };
  }

  /** Names of pods that still run. On a node that is not ready nobody ends them; its kubelet does when it is back. */
  async #podsOf(programs: readonly Program[]): Promise<string[]> {
    const { client } = this.#parts;
    const nodes = (await client.list(resources.nodes)).items;
    const ready = new Set(nodes.filter(isNodeReady).map(({ metadata }) => metadata.name));
    const found: string[] = [];
    for (const { object } of programs) {
      const { namespace = '' } = object.metadata;
      const labelSelector = Object.entries(object.spec?.selector.matchLabels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
      const { items } = await client.list(resources.pods, { namespace, labelSelector });
      const running = items.filter(({ spec }) => spec?.nodeName === undefined || ready.has(spec.nodeName));
      found.push(...running.map(({ metadata }) => `${namespace}/${metadata.name ?? ''}`));
    }
    return found;
  }

  async #unready(programs: readonly Program[]): Promise<string[]> {
    const now = await Promise.all(programs.map((program) => this.#newest(program)));
    return now.filter((program) => !isReady(program)).map(sleeperName);
  }

  async #until(left: () => Promise<readonly string[]>, what: string): Promise<void> {
    const { clock, patienceMs } = this.#parts;
    const start = clock.monotonic();
    for (;;) {
      const names = await left();
      if (names.length === 0) return;
      if (clock.monotonic() - start >= patienceMs) {
        const message = `after ${Math.round(patienceMs / 1000)} s, ${what}: ${names.join(', ')}`;
        throw new OrbError('MIGRATION_STEP_LATE', { message });
      }
      await clock.sleep(LOOK_MS);
    }
  }
}

function isProgram(sleeper: Sleeper): sleeper is Program {
  return sleeper.kind === 'DaemonSet' || sleeper.kind === 'Deployment';
}

function isReady(program: Program): boolean {
  const { metadata, status } = program.object;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return false;
  return program.kind === 'DaemonSet' ? allNodesReady(program.object) : allReplicasReady(program.object);
}

function allNodesReady({ status }: DaemonSet): boolean {
  return (status?.numberReady ?? 0) >= (status?.desiredNumberScheduled ?? 0);
}

function allReplicasReady({ spec, status }: Deployment): boolean {
  return (status?.readyReplicas ?? 0) >= (spec?.replicas ?? 1);
}

function typeOf<T extends Sleeper>({ kind }: T): ResourceType<T['object']> {
  return types[kind] as ResourceType<T['object']>;
}

const types: Readonly<Record<Program['kind'] | AdmissionCall['kind'], ResourceType>> = {
  DaemonSet: resources.daemonSets,
  Deployment: resources.deployments,
  MutatingWebhookConfiguration: resources.mutatingWebhookConfigurations,
  ValidatingWebhookConfiguration: resources.validatingWebhookConfigurations,
};

function refOf({ object: { metadata } }: Sleeper) {
  const { namespace, name = '' } = metadata;
  return { name, ...(namespace !== undefined && { namespace }) };
}
