// The migration from Spiderpool as a whole: what is there, what would become of it, what stands in the way, and the steps.

import { markedRecords } from './bound-addresses.ts';
import { gitOpsManagers } from './git-ops.ts';
import { findInObjects, type MigratedObjects, type ObjectFindings } from './objects.ts';
import { bringsMultus, type ClusterPrograms, orbweaverIn, spiderpoolIn, versionOf } from './programs.ts';
import { type IaasProviderSettings, providerWarnings } from './provider-settings.ts';
import type { Setting } from './setting.ts';
import { type SettingsSource, settingsOf } from './settings.ts';
import { isAsleep, wantedReplicas, writtenWebhooks } from './sleep.ts';
import type { Installation, Program, Sleeper } from './sleeper.ts';

/** What the plan is made from. */
export interface MigrationFacts extends MigratedObjects, Pick<SettingsSource, 'data' | 'conf'> {
  readonly programs: ClusterPrograms;
}

/** One step of `--apply`, in words. */
export interface MigrationStep {
  readonly what: string;
  readonly done: boolean;
}

export interface MigrationPlan {
  /** Undefined if no object tells it. */
  readonly version: string | undefined;
  /** Where Spiderpool runs, and Orbweaver must run: names of networks without a namespace are looked up there. */
  readonly namespace: string;
  readonly spiderpool: Installation;
  readonly orbweaver: Installation;
  readonly objects: ObjectFindings;
  readonly settings: readonly Setting[];
  /** `--apply` does nothing while there is one. */
  readonly obstacles: readonly string[];
  /** What a user should know before. */
  readonly warnings: readonly string[];
  readonly steps: readonly MigrationStep[];
  /** What Spiderpool asks. Its URL is empty if there is none, or if the settings cannot be read. */
  readonly provider: IaasProviderSettings;
}

/** Undefined if the cluster has no Spiderpool. */
export function planMigration(facts: MigrationFacts): MigrationPlan | undefined {
  const spiderpool = spiderpoolIn(facts.programs);
  const orbweaver = orbweaverIn(facts.programs);
  const [first] = spiderpool.programs;
  if (first === undefined) return undefined;
  const namespace = first.object.metadata.namespace ?? '';
  const objects = findInObjects(facts);
  const { settings, provider, problem } = settingsOf({ ...facts, installation: spiderpool });
  const obstacles = [
    ...placeObstacles(spiderpool, orbweaver, namespace),
    ...(problem === undefined ? [] : [`the ConfigMap of Spiderpool's settings cannot be read: ${problem}`]),
    ...settings.flatMap(({ refused, from, note = '' }) => (refused ? [`${from}: ${note}`] : [])),
    ...objects.obstacles,
  ];
  return {
    ...{ version: versionOf(first), namespace, spiderpool, orbweaver, objects, settings, obstacles },
    warnings: [...warnings(spiderpool, facts), ...providerWarnings(provider)],
    steps: steps(spiderpool, orbweaver, obstacles.length > 0 ? [] : markSteps(provider, facts)),
    provider,
  };
}

/** What is put to sleep, in order. Webhooks go first: without their controller, they would refuse every write. */
export function inOrderOfSleep({ programs, webhooks }: Installation): readonly Sleeper[] {
  const of = (role: Program['role']) => programs.filter((program) => program.role === role);
  return [...webhooks, ...of('controller'), ...of('agent'), ...of('multus')];
}

/** The opposite order: webhooks come last, when somebody answers them. */
export function inOrderOfWaking(installation: Installation): readonly Sleeper[] {
  return inOrderOfSleep(installation).toReversed();
}

/** `DaemonSet kube-system/spiderpool-agent`. */
export function sleeperName({ kind, object: { metadata } }: Sleeper): string {
  const { namespace, name = '' } = metadata;
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function placeObstacles(spiderpool: Installation, orbweaver: Installation, namespace: string): string[] {
  const namespaceOf = ({ object }: Program) => object.metadata.namespace;
  const elsewhere = spiderpool.programs.find((program) => namespaceOf(program) !== namespace);
  const ours = orbweaver.programs.find((program) => namespaceOf(program) !== namespace);
  const roles: readonly Program['role'][] = ['agent', 'controller'];
  const missing = roles.filter((role) => !spiderpool.programs.some((program) => program.role === role));
  return [
    ...(elsewhere === undefined
      ? []
      : [`Spiderpool runs in two namespaces: ${namespace} and ${namespaceOf(elsewhere) ?? ''}`]),
    ...missing.map((role) => `the cluster has no spiderpool-${role}: its settings are not known`),
    ...(ours === undefined
      ? []
      : [
          `Orbweaver is installed in ${namespaceOf(ours) ?? ''}: install it in ${namespace}, because networks that pods name without a namespace are looked up there`,
        ]),
  ];
}

function warnings(spiderpool: Installation, { nodes }: MigrationFacts): string[] {
  const managers = gitOpsManagers(spiderpool.programs.map(({ object }) => object));
  const releases = new Set(
    spiderpool.programs.flatMap(
      ({ object: { metadata } }) => metadata.annotations?.['meta.helm.sh/release-name'] ?? [],
    ),
  );
  const version = spiderpool.programs.map(versionOf).find((one) => one !== undefined);
  const absent = nodes.filter((node) => !isNodeReady(node)).map(({ metadata }) => metadata.name ?? '');
  return [
    ...(version === undefined || version.startsWith('1.')
      ? []
      : [
          `Spiderpool ${version} was not tried: its objects are those of version 1, pods may have older routes`,
        ]),
    ...managers.map((name) => `${name} manages Spiderpool: pause it first, or it starts what sleeps`),
    ...Array.from(
      releases,
      (name) =>
        `do not run "helm uninstall ${name}" without --no-hooks: Spiderpool's hook deletes all pools, subnets and networks`,
    ),
    ...(spiderpool.programs.some(bringsMultus)
      ? [
          "Multus ends with Spiderpool's agent: until Orbweaver runs, no new pod of the cluster starts. Pull its images to the nodes before",
        ]
      : []),
    ...(absent.length === 0
      ? []
      : [`these nodes are not ready, so what runs there cannot be stopped: ${absent.join(', ')}`]),
  ];
}

/** Whether the kubelet of the node reports. */
export function isNodeReady({ status }: MigrationFacts['nodes'][number]): boolean {
  return (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

/** Spiderpool's records do not say what the provider has bound. */
function markSteps(
  { serverUrl }: IaasProviderSettings,
  { pools, endpoints }: MigrationFacts,
): MigrationStep[] {
  if (serverUrl === '') return [];
  const count = pools.reduce((sum, pool) => sum + markedRecords(pool, endpoints).addresses.length, 0);
  const what = `pools mark the addresses that the IaaS provider has bound: ${count} to mark`;
  return [{ what, done: count === 0 }];
}

function steps(
  spiderpool: Installation,
  orbweaver: Installation,
  marks: readonly MigrationStep[],
): MigrationStep[] {
  const installed = orbweaver.programs.length > 0;
  const asleep = inOrderOfSleep(orbweaver).some(isAsleep);
  return [
    ...inOrderOfSleep(spiderpool).map((sleeper) => ({ what: sleepWords(sleeper), done: isAsleep(sleeper) })),
    ...marks,
    asleep
      ? { what: 'Orbweaver is woken up', done: false }
      : {
          what: 'Orbweaver is installed by Helm, with the values that --output values prints',
          done: installed,
        },
  ];
}

function sleepWords(sleeper: Sleeper): string {
  const name = sleeperName(sleeper);
  switch (sleeper.kind) {
    case 'Deployment':
      return `${name} gets 0 replicas instead of ${wantedReplicas(sleeper.object)}, and its pods end`;
    case 'DaemonSet':
      return `${name} runs on no node, and its pods end; the pods that it served keep their network`;
    default: {
      const names = writtenWebhooks(sleeper.object).map(({ name: one }) => one.split('.')[0]);
      return `${name} asks nobody any more (${names.join(', ')})`;
    }
  }
}
