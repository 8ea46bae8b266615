// docs/matrix.md: what the lab measured for every row, the planned path of its packets, and the objects that each row needs.

import { wrapped } from '#base';
import type { Loss } from './broken-trial.ts';
import type { MatrixVerdict } from './paths.ts';
import { nicsOf, podKinds } from './pod-kinds.ts';
import { plannedPaths } from './row-paths.ts';
import { type Row, rows, SEVERAL_NICS_ROW, type Target } from './rows.ts';

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

const INTRODUCTION =
  'Who reaches whom, by which path, and which address the server sees. The lab tries thirty rows with real packets, over ' +
  'IPv4 and IPv6, with ICMP, TCP (64 kB each way) and UDP. Numbers and letters are those of Spiderpool’s connectivity ' +
  'matrix. [ADR 0023](adr/0023-the-forwarding-matrix-and-strict-reverse-path-filters.md) tells how the lab is built, ' +
  'and what it found.';

const LEGEND =
  'Every second node has rp_filter 1, and its pods inherit it. The rule of kube-proxy that drops INVALID packets is ' +
  'always present. In a table, *off* and *VXLAN* say that the path was also tried with natOutgoing off, and with the ' +
  'overlay in VXLAN. "from net1" is a socket that is bound to that NIC’s address. Paths name the pods of a sample ' +
  'cluster: C1 is C on node1, D is M on the other LAN, and T has two underlay NICs.';

const LOSSES_INTRODUCTION =
  'The lab takes away each kind of kernel object in turn (`npm run lab -- --once --matrix broken`). At least some cells ' +
  'of these rows then fail:';

/** The maximum length of a line outside tables, in characters. */
const LINE_WIDTH = 120;

/** The whole page; `head` says how it was made. */
export function matrixPage({ table, losses }: MatrixFacts, head: string): string {
  const numbers = [...new Set(rows.map(({ number }) => number)), SEVERAL_NICS_ROW];
  const impossible = table.filter(({ expected }) => expected === 'impossible');
  const failed = table.filter(({ ok }) => !ok).length;
  return [
    '# The forwarding matrix',
    '',
    head,
    '',
    ...wrapped(INTRODUCTION, LINE_WIDTH),
    '',
    `Of ${table.length} cells ${table.length - impossible.length - failed} work, ${impossible.length} cannot work, and ${failed} failed.`,
    ...distinct(impossible.map(({ reason }) => reason)).flatMap((reason) =>
      wrapped(`The ones that cannot: ${reason}.`, LINE_WIDTH),
    ),
    '',
    ...kindsTable(),
    '',
    ...wrapped(LEGEND, LINE_WIDTH),
    '',
    '## What the rows stand on',
    '',
    ...wrapped(LOSSES_INTRODUCTION, LINE_WIDTH),
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
    ...wrapped(`${names.join('; ')}. One pod of each of these kinds is on each node:`, LINE_WIDTH),
    '',
    ...markdownTable(['pod', 'NICs', 'default route'], lines),
  ];
}

function rowSection(number: number, table: readonly MatrixVerdict[]): string[] {
  const several = number === SEVERAL_NICS_ROW;
  const verdicts = table.filter((verdict) =>
    several ? verdict.rows.includes(number) : verdict.rows[0] === number,
  );
  const failed = verdicts.filter(({ ok }) => !ok).length;
  const titles = several
    ? ['pods with two underlay NICs, in the rows above']
    : distinct(rows.filter((row) => row.number === number).map(rowTitle));
  return [
    '',
    ...rowHeading(number, titles),
    '',
    `${verdicts.length} cells, ${failed === 0 ? 'none' : failed} failed.`,
    '',
    ...plannedPaths(number, LINE_WIDTH),
    ...(several ? [] : cellsTable(verdicts)),
  ];
}

/** The heading with all titles. A heading cannot continue on another line, so titles that do not fit follow below it. */
function rowHeading(number: number, [first = '', ...others]: readonly string[]): string[] {
  const heading = `## Row ${number}: ${[first, ...others].join('; ')}`;
  if (heading.length <= LINE_WIDTH) return [heading];
  return [`## Row ${number}: ${first}`, '', ...wrapped(`Also ${others.join('; ')}.`, LINE_WIDTH)];
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
