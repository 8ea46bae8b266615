// The planned paths of a matrix row as a list in Markdown.

import { describeRow, type RowPath } from '#plan/trace';

interface PathSetting {
  readonly natOutgoing: boolean;
  readonly defaultRouteNic: 'eth0' | 'net1';
}

const settings: readonly PathSetting[] = [true, false].flatMap((natOutgoing) =>
  (['eth0', 'net1'] as const).map((defaultRouteNic) => ({ natOutgoing, defaultRouteNic })),
);

/**
 * An item for each path of the row. If natOutgoing or the NIC of the default route changes a path, each variant is an item.
 * An item that is longer than `lineWidth` characters continues on a second line.
 */
export function plannedPaths(row: number, lineWidth: number): string[] {
  const found = settings.flatMap((setting) =>
    describeRow(row, { ...setting, dropsInvalid: true }).map((path) => ({ path, setting })),
  );
  const variants = Map.groupBy(found, ({ path }) => `${path.title}\0${packets(path)}`);
  const items = [...variants.values()].flatMap((same) => {
    const { path } = same[0] as (typeof found)[number];
    const under = conditions(same.map(({ setting }) => setting));
    const title = `- ${path.title}${under === '' ? '' : ` (${under})`}:`;
    const line = `${title} ${packets(path)}`;
    return line.length <= lineWidth ? [line] : [title, `  ${packets(path)}`];
  });
  return items.length === 0 ? [] : [...items, ''];
}

function packets({ request, reply }: RowPath): string {
  return `\`${request}\` ⇐ \`${reply}\``;
}

/** What these settings have in common. Nothing for all settings; settings without a common part are listed. */
export function conditions(some: readonly PathSetting[]): string {
  const nats = [...new Set(some.map(natText))];
  const routes = [...new Set(some.map(routeText))];
  const covered = some.length === nats.length * routes.length;
  if (covered) return [nats, routes].flatMap((texts) => (texts.length === 1 ? texts : [])).join(', ');
  return some.map((each) => `${natText(each)}, ${routeText(each)}`).join('; ');
}

function natText({ natOutgoing }: PathSetting): string {
  return `natOutgoing ${natOutgoing ? 'on' : 'off'}`;
}

function routeText({ defaultRouteNic }: PathSetting): string {
  return `default route ${defaultRouteNic}`;
}
