// The links of all pages: each leads to a file and a heading that exist, and each page of docs/ is linked from another.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md', 'test/**/*.md'], { cwd: root }).toSorted();
const read = (page: string) => readFileSync(join(root, page), 'utf8');
/** Fenced code has no headings and no links. */
const prose = (page: string) => read(page).replaceAll(/^```[\s\S]*?^```$/gm, '');

interface Link {
  readonly from: string;
  /** The file, from the root of the repository. */
  readonly to: string;
  readonly anchor: string;
}

const links: readonly Link[] = pages.flatMap((from) =>
  Array.from(prose(from).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#');
      return { from, to: file === '' ? from : relative(root, join(root, dirname(from), file)), anchor };
    }),
);

/** The anchors that GitHub makes of a page's headings. A heading that is there twice gets a number. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose(page).matchAll(/^#+ (.*)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

test('every link of a page leads to a file and a heading', () => {
  assert.ok(links.length > 200, `only ${links.length} links were found`);
  const broken = links.filter(({ to, anchor }) => {
    if (!existsSync(join(root, to))) return true;
    return anchor !== '' && to.endsWith('.md') && !anchorsOf(to).has(anchor);
  });
  assert.deepEqual(broken, []);
});

test('README links every page of docs/ that is about the product', () => {
  const linked = new Set(links.filter(({ from }) => from === 'README.md').map(({ to }) => to));
  const missing = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && !linked.has(page));
  assert.deepEqual(missing, []);
});
