// A part of npm run check: no line of a Markdown page is too long.

import { globSync, readFileSync } from 'node:fs';
import { longLines } from './long-lines.ts';

const pages = globSync(['*.md', '{.github,docs,src,test}/**/*.md']).toSorted();
const long = pages.flatMap((page) => longLines(readFileSync(page, 'utf8')).map((line) => `${page}:${line}`));
for (const place of long) console.error(`${place} is longer than 120 characters`);
// A search that finds no page would pass.
if (pages.length < 20) console.error(`only ${pages.length} pages were found`);
process.exitCode = long.length === 0 && pages.length >= 20 ? 0 : 1;
