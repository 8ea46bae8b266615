// A part of npm run check: the lines of Markdown pages are not too long.

import { readFileSync } from 'node:fs';
import { runProgram as outputOf } from '../test/e2e/program.ts';
import { longLines } from './long-lines.ts';

const pages = outputOf('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'])
  .trim()
  .split('\n');
const long = pages.flatMap((page) => longLines(readFileSync(page, 'utf8')).map((line) => `${page}:${line}`));
for (const place of long) console.error(`${place} is longer than 120 characters`);
// A search that finds no page would pass.
if (pages.length < 20) console.error(`only ${pages.length} pages were found`);
process.exitCode = long.length === 0 && pages.length >= 20 ? 0 : 1;
