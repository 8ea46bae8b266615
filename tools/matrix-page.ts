// Writes docs/matrix.md from two runs of the lab: the whole forwarding matrix, and the matrix without each of its parts:
// sh tools/run matrix-page. It uses the files of such runs (FULL.json BROKEN.json) when they are given.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MatrixFacts, matrixPage } from '#lab';
import { runProgram } from '#program';

const HEAD =
  '<!-- Made by "sh tools/run matrix-page" (about two minutes, as root) from the lab and the plan. Do not edit. -->';

/** The output of a lab run. A run with failed cells makes a page too, and the page shows them. */
function labRun(matrix: 'full' | 'broken', folder: string): MatrixFacts {
  const json = join(folder, `${matrix}.json`);
  const argv = ['dist/orbctl.mjs', 'lab', '--once', '--matrix', matrix, '--json', json];
  const run = spawnSync(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (run.status !== 0) console.error(`the lab with --matrix ${matrix} ended with ${run.status}`);
  return facts(json);
}

function facts(path: string): MatrixFacts {
  return JSON.parse(readFileSync(path, 'utf8')) as MatrixFacts;
}

async function writePage([full, broken]: readonly string[]): Promise<undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-matrix-'));
  try {
    const { table } = full === undefined ? labRun('full', folder) : facts(full);
    const { losses } = broken === undefined ? labRun('broken', folder) : facts(broken);
    writeFileSync('docs/matrix.md', matrixPage({ table, losses }, HEAD));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const USAGE = `usage: sh tools/run matrix-page [FULL.json BROKEN.json]
Writes docs/matrix.md from two runs of the lab, or from the files that such runs wrote.`;
const run = ({ positionals }: { readonly positionals: readonly string[] }) => writePage(positionals);
await runProgram({ name: 'matrix-page', usage: USAGE, options: {}, takesWords: true, run });
