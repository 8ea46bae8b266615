// The work of `orbctl migrate`.

import { type Clock, OrbError } from '#base';
import type { KubeClient } from '#kube';
import { CA_VALUE, isVerified, type MigrationPlan, planMigration } from '#plan/migration';
import type { Paint } from '#program';
import type { MigrateFlags } from '../migrate.ts';
import { counted } from '../number-text.ts';
import { readFacts } from './facts.ts';
import { markBound } from './marks.ts';
import { obstacleText, planJson, planText, valuesText } from './report.ts';
import { Switch } from './switch.ts';

export interface MigrateParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly paint: Paint;
  /** Prints a line, or the whole answer. */
  readonly say: (text: string) => void;
}

type SpiderpoolFlags = Pick<MigrateFlags, 'action' | 'output' | 'timeoutSeconds'>;

/**
 * Resolves with the exit code. Throws MIGRATION_SOURCE_MISSING if the cluster has no Spiderpool, MIGRATION_STEP_LATE, and what the
 * API server answers.
 */
export async function runMigrate(parts: MigrateParts, flags: SpiderpoolFlags): Promise<number> {
  const plan = planMigration(await readFacts(parts.client));
  if (plan === undefined) {
    const message =
      'no DaemonSet or Deployment of the cluster runs spiderpool-agent or spiderpool-controller';
    throw new OrbError('MIGRATION_SOURCE_MISSING', { message });
  }
  const turn = new Switch({ ...parts, patienceMs: flags.timeoutSeconds * 1000 });
  switch (flags.action) {
    case 'dry-run':
      parts.say(answer(plan, flags, parts.paint));
      return plan.obstacles.length === 0 ? 0 : 1;
    case 'apply':
      return apply(plan, turn, parts);
    case 'back':
      return back(plan, turn, parts);
  }
}

function answer(plan: MigrationPlan, { output }: SpiderpoolFlags, paint: Paint): string {
  switch (output) {
    case 'json':
      return planJson(plan);
    case 'values':
      return valuesText(plan);
    case 'text':
      return planText(plan, paint);
  }
}

async function apply(
  plan: MigrationPlan,
  turn: Switch,
  { client, say, paint }: MigrateParts,
): Promise<number> {
  const { obstacles, namespace, spiderpool, orbweaver, provider } = plan;
  if (obstacles.length > 0) {
    say(obstacleText(obstacles, paint));
    return 1;
  }
  await turn.putToSleep(spiderpool);
  say('Spiderpool sleeps, and no pod of it runs');
  if (provider.serverUrl !== '') {
    const marked = counted(await markBound(client), 'address', 'addresses');
    say(`pools mark ${marked} more that the IaaS provider has bound`);
  }
  if (orbweaver.programs.length === 0) {
    say('now install Orbweaver, so that new pods get a network:');
    say('  orbctl migrate --from spiderpool --dry-run --output values > values.yaml');
    // The values have no registry: nothing of the cluster tells where the images of Orbweaver are.
    const values = '--values values.yaml --set global.imageRegistryOverride=REGISTRY';
    const ca = isVerified(provider.serverUrl) ? ` --set ${CA_VALUE}=SECRET` : '';
    say(`  helm install orbweaver deploy/chart --namespace ${namespace} ${values}${ca} --wait`);
    return 0;
  }
  await turn.wake(orbweaver);
  say(paint('good', 'Orbweaver is ready'));
  return 0;
}

async function back(
  { spiderpool, orbweaver }: MigrationPlan,
  turn: Switch,
  { say, paint }: MigrateParts,
): Promise<number> {
  await turn.putToSleep(orbweaver);
  if (orbweaver.programs.length > 0) say('Orbweaver sleeps, and no pod of it runs');
  await turn.wake(spiderpool);
  say(paint('good', 'Spiderpool is ready'));
  return 0;
}
