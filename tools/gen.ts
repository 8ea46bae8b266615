// Generates deploy/crds, parts of deploy/chart, docs/errors.md and docs/rights.md from the source, and
// docs/kubernetes-tests.md from the results that are kept. With --check it writes nothing. It then fails and names each file
// that is out of date or no longer needed.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { crdManifests } from '#api';
import { errorTable } from '#base';
import { runProgram } from '#program';
import { page } from '../test/sig/page.ts';
import { readResults } from '../test/sig/results.ts';
import { isFromOtherSource, PROGRAMS_FILE } from './bpf/programs-file.ts';
import { chartFiles } from './chart.ts';
import { rightsPage } from './rights.ts';

const root = join(import.meta.dirname, '..');
const CRDS = 'deploy/crds';

/** Path from the repository's root to the text of the file. */
type GeneratedFiles = ReadonlyMap<string, string>;

function generate(): GeneratedFiles {
  const crds = crdManifests().map((crd) => [`${CRDS}/${crd.metadata.name}.yaml`, crdYaml(crd)] as const);
  return new Map([
    ...crds,
    ...chartFiles(crds),
    ['docs/errors.md', errorsPage()],
    ['docs/kubernetes-tests.md', page(readResults())],
    ['docs/rights.md', rightsPage()],
  ]);
}

function crdYaml(crd: object): string {
  const header = '# Generated from src/api by `npm run gen`. Do not edit.\n';
  return header + stringify(crd, { lineWidth: 110, aliasDuplicateObjects: false });
}

function errorsPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { meaning, advice, cni }]) => `| \`${code}\` | ${cni} | ${meaning} | ${advice} |`,
  );
  return [
    '# Errors',
    '',
    'Generated from `src/base/error-table.ts` by `npm run gen`. Do not edit.',
    '',
    'Every error has a stable code, which the log shows as `code`. The number is the CNI error code that a plugin',
    'prints (CNI specification 1.1, section "Error"); 100 and above are ours.',
    '',
    '| code | CNI | meaning | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** Generated files that nothing generates any more. */
function leftOver(files: GeneratedFiles): string[] {
  const directory = join(root, CRDS);
  const present = existsSync(directory) ? readdirSync(directory) : [];
  return present.map((name) => `${CRDS}/${name}`).filter((path) => !files.has(path));
}

function isStale(path: string, text: string): boolean {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, 'utf8') !== text;
}

function check(files: GeneratedFiles): string[] {
  const stale = [...files]
    .filter(([path, text]) => isStale(path, text))
    .map(([path]) => `${path} is stale: run \`npm run gen\``);
  const unneeded = leftOver(files).map((path) => `nothing generates ${path} any more: run \`npm run gen\``);
  const compiled = isFromOtherSource() ? [`${PROGRAMS_FILE} is stale: run \`npm run gen -- bpf\``] : [];
  return [...stale, ...unneeded, ...compiled];
}

function write(files: GeneratedFiles): void {
  for (const path of leftOver(files)) rmSync(join(root, path));
  for (const [path, text] of files) {
    if (!isStale(path, text)) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}

async function gen(onlyCheck: boolean): Promise<number> {
  const files = generate();
  if (!onlyCheck) write(files);
  const problems = check(files);
  for (const problem of problems) console.error(problem);
  return problems.length > 0 ? 1 : 0;
}

const USAGE = `usage: npm run gen [-- --check | transcripts | protobuf | bpf]
Writes deploy/crds, parts of deploy/chart, docs/errors.md and docs/rights.md again.
transcripts  runs the commands of the guides in a lab, and shows what they print
protobuf     writes the messages that the embedded API server reads, from the Go types of Kubernetes
bpf          compiles the BPF programs of bpf/
--check      writes nothing; the exit code is 1 if a file is stale`;
const options = { check: { type: 'boolean', default: false } } as const;
await runProgram({ name: 'gen', usage: USAGE, options, run: ({ values }) => gen(values.check) });
