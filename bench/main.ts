// npm run bench -- [add|coordinator|repair|shim|store|memory|pick|all] [--quick] [--json FILE] [--markdown]: measures, each figure beside its
// reference in one run. --markdown writes the table into docs/performance.md, between its markers.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchAdd, benchMemory } from './add.ts';
import { benchCoordinator } from './coordinator.ts';
import { benchPick } from './pick.ts';
import { benchRepair } from './repair.ts';
import type { Row } from './row.ts';
import { benchShim } from './shim.ts';
import { benchStore } from './store.ts';

const usage = `usage: npm run bench -- [add|coordinator|repair|shim|store|memory|pick|all ...] [--quick] [--json FILE] [--markdown]`;

const benchmarks: Record<string, (quick: boolean) => Promise<Row[]> | Row[]> = {
  shim: benchShim,
  add: benchAdd,
  coordinator: benchCoordinator,
  repair: benchRepair,
  memory: benchMemory,
  store: benchStore,
  pick: benchPick,
};

const document = join(import.meta.dirname, '../docs/performance.md');
const [begin, end] = ['<!-- figures -->', '<!-- end of figures -->'];

function number(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+(?=$|e)/, '');
}

function cells({ name, value, unit, reference, ratio, target, met }: Row): string[] {
  return [
    name,
    `${number(value)} ${unit}`,
    reference === undefined ? '' : `${number(reference)} ${unit}`,
    number(ratio),
    number(target),
    met ? 'yes' : 'NO',
  ];
}

const heads = ['what : reference', 'value', 'reference', 'ratio', 'target', 'met'];

function textTable(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(cells)];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function markdownTable(rows: readonly Row[]): string {
  const lines = [heads, heads.map(() => '---'), ...rows.map(cells)];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** Puts the figures between the markers of docs/performance.md. */
function writeMarkdown(rows: readonly Row[]): void {
  const text = readFileSync(document, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${document} has no place between ${begin} and ${end}`);
  const machine = `${cpus().length} × ${cpus()[0]?.model}, Linux ${release().split('.', 2).join('.')}, Node ${process.versions.node}`;
  const figures = `${begin}\n\n${machine}\n\n${markdownTable(rows)}\n\n`;
  writeFileSync(document, text.slice(0, from) + figures + text.slice(to));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const asked =
    positionals.length === 0 || positionals.includes('all') ? Object.keys(benchmarks) : positionals;
  const unknown = asked.find((name) => benchmarks[name] === undefined);
  if (unknown !== undefined) throw new Error(`unknown benchmark '${unknown}'\n${usage}`);
  const rows: Row[] = [];
  for (const name of asked) {
    const began = performance.now();
    rows.push(...((await benchmarks[name]?.(values.quick)) ?? []));
    console.error(`${name} measured in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  console.log(textTable(rows));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (values.markdown) writeMarkdown(rows);
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
