// docs/metrics.md names every metric that the programs have, with its labels, and no other.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentMetrics } from '../../src/agent/metrics/index.ts';
import { ControllerMetrics } from '../../src/controller/metrics.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
const [, agents = '', controller = ''] = page.split(/^## /m);
const none = () => 0;

/** `name label,label` of each row, in order. */
function documented(section: string): string[] {
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows
    .flatMap((row) => {
      const [, names = '', labels = ''] = row.split('|');
      const words = (text: string) => Array.from(text.matchAll(/`([^`]+)`/g), ([, word]) => word ?? '');
      return words(names).map((name) => `${name} ${words(labels).toSorted().join()}`);
    })
    .toSorted();
}

function measured({ registry }: Pick<AgentMetrics | ControllerMetrics, 'registry'>): string[] {
  return (registry.getMetricsAsArray() as { name: string; labelNames?: string[] }[])
    .filter(({ name }) => !/^(process|nodejs)_/.test(name))
    .map(({ name, labelNames = [] }) => `${name} ${labelNames.toSorted().join()}`)
    .toSorted();
}

test('the page names every metric of the agent, and no other', () => {
  const load = {
    running: none,
    waiting: none,
    stuck: none,
    queuedDels: none,
    memoryLimit: none,
    nearMemoryLimit: () => false,
    foldersDiffer: () => false,
    filesMissing: () => false,
    servesSockets: () => false,
    socketServiceEntries: none,
    socketServiceCounts: () => [],
    servesPackets: () => false,
    packetServiceEntries: none,
    attachments: () => [],
  };
  assert.deepEqual(documented(agents), measured(new AgentMetrics(load)));
});

test('the page names every metric of the controller, and no other', () => {
  const use = { pools: () => [], subnets: () => [] };
  const load = { waiting: () => new Map<string, number>(), objects: () => new Map<string, number>(), use };
  assert.deepEqual(documented(controller), measured(new ControllerMetrics(load)));
});
