// The plan of a migration as text, as JSON, and as values of our chart.

import { stringify } from 'yaml';
import { chartValues, type MigrationPlan, type Setting } from '#plan/migration';
import type { Paint } from '#program';
import { counted } from '../number-text.ts';
import { oneLine } from '../one-line.ts';
import { tableLines } from '../table.ts';

export function planText(plan: MigrationPlan, paint: Paint): string {
  const { version, namespace, objects, settings, obstacles, warnings, steps } = plan;
  const kinds = objects.counts
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => counted(count, kind));
  return [
    `Spiderpool ${version ?? 'of an unknown version'} in namespace ${namespace}`,
    `  ${kinds.join(', ') || 'no objects'}`,
    `  ${counted(objects.addresses, 'address', 'addresses')} recorded, ${counted(objects.nics, 'interface')} of ${counted(objects.pods, 'running pod')}`,
    ...section('settings', settingLines(settings)),
    ...section('what becomes different', objects.differences),
    ...section('before you begin', warnings),
    ...section(
      'steps',
      steps.map(({ what, done }, index) => `${index + 1}. ${what}${done ? ' (done)' : ''}`),
    ),
    obstacles.length === 0 ? paint('good', 'nothing stands in the way') : obstacleText(obstacles, paint),
  ].join('\n');
}

/** What must be removed first. */
export function obstacleText(obstacles: readonly string[], paint: Paint): string {
  return section('in the way', obstacles)
    .map((line) => paint('bad', line))
    .join('\n');
}

export function planJson({ version, namespace, ...plan }: MigrationPlan): string {
  const { objects, settings, obstacles, warnings, steps } = plan;
  const values = chartValues(settings);
  return JSON.stringify(
    { version: version ?? null, namespace, objects, settings, obstacles, warnings, steps, values },
    undefined,
    2,
  );
}

export function valuesText({ settings, version = 'unknown' }: MigrationPlan): string {
  return `# Values of Orbweaver's chart for the settings of Spiderpool ${version}.\n${stringify(chartValues(settings))}`.trimEnd();
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${oneLine(line)}`)];
}

function settingLines(settings: readonly Setting[]): string[] {
  const rows = settings.map(({ from, value, chart, note, refused }) => [
    from,
    JSON.stringify(value),
    chart?.path ?? (refused === true ? 'refused' : 'no value'),
    note ?? '',
  ]);
  return rows.length === 0 ? [] : tableLines(['SETTING', 'VALUE', 'CHART', 'NOTE'], rows);
}
