// docs/controller.md names every variable and metric of the controller, and no other.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/controller.md'), 'utf8');

function namesIn(files: string | readonly string[], pattern: RegExp): string[] {
  const texts = [files].flat().map((file) => readFileSync(join(root, file), 'utf8'));
  return [...new Set(texts.join('\n').match(pattern) ?? [])].sort();
}

test('the page of the controller names every environment variable that it reads', () => {
  const pattern = /\bSPIDERPOOL_[A-Z_]+\b/g;
  const folder = 'src/main/controller';
  const read = namesIn(
    ['src/main/controller.ts', ...readdirSync(join(root, folder)).map((file) => join(folder, file))],
    pattern,
  ).filter((name) => name !== 'SPIDERPOOL_GC_');
  assert.ok(read.length > 5);
  assert.deepEqual(namesIn('docs/controller.md', pattern), read);
});

test('the page of the controller names every metric that it has', () => {
  const pattern = /\b(orbweaver|spiderpool)_[a-z_]+\b/g;
  assert.deepEqual(namesIn('docs/controller.md', pattern), namesIn('src/controller/metrics.ts', pattern));
  assert.match(page, /orbweaver_leader/);
});
