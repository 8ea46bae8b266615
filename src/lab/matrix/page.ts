// docs/matrix.md: what the lab measured for every row, the planned path of its packets, and the objects that each row needs.

import { describeRow, type RowPath } from '#plan/trace';
import type { Loss } from './broken-trial.ts';
import { nicsOf, podKinds } from './pod-kinds.ts';
import { type Row, rows, severalNicsRow, type Target } from './rows.ts';
import type { MatrixVerdict } from './ways.ts';

export interface MatrixFacts {
  /** The result of `--matrix full`. */
  readonly table: readonly MatrixVerdict[];
  /** The result of `--matrix broken`. */
  readonly losses: readonly Loss[];
}

const letters = {
  C: 'a pod of the overlay alone',
  M: 'a pod of the underlay alone',
  X: 'a pod of both: eth0 in the overlay, more NICs in the underlay',
} as const;

/** The whole page; `head` says how it was made. */
export function matrixPage({ table, losses }: MatrixFacts, head: string): string {
  const numbers = [...new Set(rows.map(({ number }) => number)), severalNicsRow];
  const impossible = table.filter(({ expected }) => expected === 'impossible');
  const failed = table.filter(({ ok }) => !ok).length;
  return [
    '# The forwarding matrix',
    '',
    head,
    '',
    'Who reaches whom, by which way, and which address the server sees: thirty rows, tried in the lab with real packets over IPv4 and IPv6, with ICMP, TCP (64 kB',
    'each way) and UDP. Numbers and letters are those of Spiderpool’s connectivity matrix. How it is laid out and what it found: [ADR 0023](adr/0023-the-forwarding-matrix-and-strict-reverse-path-filters.md).',
    '',
    `Of ${table.length} cells ${table.length - impossible.length - failed} work, ${impossible.length} cannot work, and ${failed} failed.`,
    ...distinct(impossible.map(({ reason }) => reason)).map((reason) => `The ones that cannot: ${reason}.`),
    '',
    ...kindsTable(),
    '',
    'Every second node has rp_filter 1, inherited by its pods; kube-proxy’s INVALID drop is always in place. *off* and *VXLAN* in a table say that the way was tried with natOutgoing',
    'off and with the overlay in VXLAN as well; "from net1" is a socket bound to that NIC’s address. Ways name the pods of a sample cluster: C1 is C on node1, D is M on the other LAN, T has two underlay NICs.',
    '',
    '## What the rows stand on',
    '',
    'Each kind of kernel object was taken away in turn (`npm run lab -- --once --matrix broken`); these rows then failed, in some of their cells at least:',
    '',
    ...markdownTable(
      ['without', 'rows that fail'],
      losses.map((loss) => [loss.without, loss.rows.map(lostRow).join(', ')]),
    ),
    ...numbers.flatMap((number) => rowSection(number, table)),
    '',
  ].join('\n');
}

function lostRow({ row, families }: Loss['rows'][number]): string {
  return families.length === 1 ? `${row} (IPv${families[0]})` : String(row);
}

function kindsTable(): string[] {
  const lines = podKinds.map((kind) => [
    kind.name,
    nicsOf(kind)
      .map(({ name, network }) => `${name} ${network}`)
      .join(', '),
    kind.defaultNic,
  ]);
  const names = Object.entries(letters).map(([letter, text]) => `**${letter}** is ${text}`);
  return [
    `${names.join('; ')}. These kinds take part, one of each on each node:`,
    '',
    ...markdownTable(['pod', 'NICs', 'default route'], lines),
  ];
}

function rowSection(number: number, table: readonly MatrixVerdict[]): string[] {
  const several = number === severalNicsRow;
  const verdicts = table.filter((verdict) =>
    several ? verdict.rows.includes(number) : verdict.rows[0] === number,
  );
  const failed = verdicts.filter(({ ok }) => !ok).length;
  const title = several
    ? 'pods with two underlay NICs, in the rows above'
    : distinct(rows.filter((row) => row.number === number).map(rowTitle)).join('; ');
  return [
    '',
    `## Row ${number}: ${title}`,
    '',
    `${verdicts.length} cells, ${failed === 0 ? 'none' : failed} failed.`,
    '',
    ...ways(number),
    ...(several ? [] : cellsTable(verdicts)),
  ];
}

function rowTitle({ from, to, where, subnet }: Row): string {
  const whither = [where, subnet === undefined ? undefined : `${subnet} subnet`].filter(
    (text) => text !== undefined,
  );
  return [`${from} → ${targetTitle(to)}`, ...whither].join(', ');
}

function targetTitle(to: Target): string {
  switch (to.kind) {
    case 'node':
    case 'client':
      return to.kind;
    case 'underlay address':
      return `${to.of}, underlay`;
    case 'overlay address':
      return `${to.of}, overlay`;
    case 'ClusterIP':
      return `ClusterIP of ${to.of}`;
    case 'NodePort':
      return `NodePort (${to.policy}) of ${to.of} ${to.asked}`;
  }
}

/** The planned paths. If natOutgoing or the NIC of the default route changes a path, each variant is listed. */
function ways(number: number): string[] {
  const settings = [true, false].flatMap((natOutgoing) =>
    (['eth0', 'net1'] as const).map((defaultRouteNic) => ({
      natOutgoing,
      defaultRouteNic,
      dropsInvalid: true,
    })),
  );
  const found = settings.flatMap((setting) =>
    describeRow(number, setting).map((path) => ({ path, setting })),
  );
  const lines = Array.from(
    Map.groupBy(found, ({ path }) => `${path.title}\0${wayOf(path)}`).values(),
    (same) => {
      const { path } = same[0] as (typeof found)[number];
      const all = same.length === settings.length;
      const under = distinct(
        same.map(
          ({ setting }) =>
            `natOutgoing ${setting.natOutgoing ? 'on' : 'off'}, default route ${setting.defaultRouteNic}`,
        ),
      );
      return `- ${path.title}${all ? '' : ` (${under.join('; ')})`}: ${wayOf(path)}`;
    },
  );
  return lines.length === 0 ? [] : [...lines, ''];
}

function wayOf({ request, reply }: RowPath): string {
  return `\`${request}\` ⇐ \`${reply}\``;
}

/** One line for each pair of kinds. Node names are removed, because the column "where" says enough. */
function cellsTable(verdicts: readonly MatrixVerdict[]): string[] {
  const nodeless = (name: string) => name.replace(/-node\d+/g, '').replace(/^node\d+$/, 'node');
  const lines = Map.groupBy(verdicts, ({ from, to, where }) =>
    [nodeless(from), nodeless(to).replace(/ at node\d+$/, ''), where].join('\0'),
  );
  return markdownTable(
    ['from', 'to', 'where', 'IPv4', 'IPv6', 'the server sees', 'also'],
    Array.from(lines, ([key, cells]) => [
      ...key.split('\0'),
      marks(cells, 4),
      marks(cells, 6),
      seen(cells),
      also(cells),
    ]),
  );
}

/** The protocols that work, such as `icmp tcp udp`; the failed and the impossible ones are marked. */
function marks(cells: readonly MatrixVerdict[], family: 4 | 6): string {
  return Array.from(
    Map.groupBy(
      cells.filter((cell) => cell.family === family),
      ({ protocol }) => protocol,
    ),
    ([protocol, same]) => {
      if (same.some(({ ok }) => !ok)) return `**${protocol} FAILS**`;
      return same.some(({ expected }) => expected === 'impossible') ? `~~${protocol}~~` : protocol;
    },
  ).join(' ');
}

/** Whose address the server sees, and whose with natOutgoing off if that differs. */
function seen(cells: readonly MatrixVerdict[]): string {
  const works = cells.filter(({ expected, source }) => expected === 'works' && source !== '');
  const of = (some: readonly MatrixVerdict[]) => distinct(some.map(({ seenAs }) => seenAs)).join(', ');
  const on = of(works.filter(({ setting }) => setting.natOutgoing));
  const off = of(works.filter(({ setting }) => !setting.natOutgoing));
  return off === '' || off === on ? on : `${on}; off: ${off}`;
}

function also(cells: readonly MatrixVerdict[]): string {
  const off = cells.some(({ setting }) => !setting.natOutgoing) ? ['off'] : [];
  const vxlan = cells.some(({ setting }) => setting.encapsulation === 'vxlan') ? ['VXLAN'] : [];
  return [...off, ...vxlan].join(', ');
}

function markdownTable(header: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...lines.map(line)];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
