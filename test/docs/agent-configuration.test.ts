// docs/agent-configuration.md has every key, flag and variable that the agent reads.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAgentConfig } from '#api';

const page = readFileSync(join(import.meta.dirname, '../../docs/agent-configuration.md'), 'utf8');

/** Dotted paths of the values of a section, sections within it included. */
function keysOf(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const isSection = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    return isSection ? keysOf(inner as object, `${prefix}${key}.`) : [`${prefix}${key}`];
  });
}

/** Keys that have no value unless the file gives one. */
const withoutDefault = {
  iaasNetworkProvider: { httpRequestTimeout: 5 },
  agent: { networkResourcePlugin: { devicePluginAffinity: 'x', resourceAdvertisement: 'x' } },
  orbweaver: { apiServer: 'https://[::1]:6443' },
};

test('the page lists every key of the agent configuration', () => {
  const missing = keysOf(parseAgentConfig(withoutDefault)).filter((key) => !page.includes(`\`${key}\``));
  assert.deepEqual(missing, []);
});

test('the page lists every flag and every environment variable of the agent', () => {
  const program = readFileSync(join(import.meta.dirname, '../../src/main/agent.ts'), 'utf8');
  const [usage = ''] = /^const USAGE = `[^`]*`/m.exec(program) ?? [];
  const names = new Set(usage.match(/(?<![\w-])--[a-z-]+|\b[A-Z]+(?:_[A-Z]+)+\b|\bKUBECONFIG\b/g));
  assert.ok(names.size > 10);
  // A flag stands with its value, as `--kubeconfig FILE`.
  const missing = [...names].filter((name) => !new RegExp(`\`${name}[ \`]`).test(page));
  assert.deepEqual(missing, []);
});

test('the page shows the real defaults of the agent', () => {
  for (const [key, value] of Object.entries(parseAgentConfig({}).orbweaver)) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`orbweaver.${key}\` |`));
    assert.match(row ?? '', new RegExp(`\\| \`?${value}\`? \\|`));
  }
});
