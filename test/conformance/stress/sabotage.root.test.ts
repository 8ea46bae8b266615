// A stress run that passes everything is broken. Here the product is wrong on purpose, and the run must report it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { insideNamespaces } from '../../e2e/namespaces.ts';
import { type StressReport, stress } from './stress.ts';

const bin = '/opt/cni/bin';

/** Replaces a plugin with a script. In the script, `real` runs the original plugin. */
function replace(type: string, script: string): void {
  mkdirSync(`${bin}/.real`, { recursive: true });
  copyFileSync(`${bin}/${type}`, `${bin}/.real/${type}`);
  const bad = `${bin}/.bad-${type}`;
  writeFileSync(bad, `#!/bin/sh\nreal() { ${bin}/.real/${type}; }\n${script}\n`, { mode: 0o755 });
  // The agent puts its executables back. It cannot replace a file that others are mounted on.
  execFileSync('mount', ['--bind', bad, `${bin}/${type}`]);
}

/** DEL does its work, and adds leaks. IPAM gives the same address to all pods, and never releases it. */
function sabotage(): void {
  const leaks = [
    'ip rule add from 198.51.100.1 lookup 500',
    'ip route replace 198.51.100.2 dev lan0 table 500',
    'ip neigh replace 198.51.100.3 lladdr 02:00:00:00:00:03 dev lan0',
    'ip addr replace 198.51.100.4/32 dev lan0',
    'ip link add leaked type veth peer name leaked1',
    'nft add table inet leaked',
    'touch /var/lib/orbweaver/attachments/leaked.json',
  ];
  replace(
    'coordinator',
    `[ "$CNI_COMMAND" = DEL ] || { real; exit; }\nreal\n${leaks.join('\n')} 2>/dev/null\nexit 0`,
  );
  replace(
    'spiderpool',
    `[ "$CNI_COMMAND" = DEL ] && exit 0
     [ "$CNI_COMMAND" = ADD ] || { real; exit; }
     real | sed 's#10\\.6\\.1\\.[0-9]*/#10.6.1.77/#'`,
  );
}

const expected: [what: string, complaint: RegExp][] = [
  ['leaves a rule', /left: kernel rule -4 .*198\.51\.100\.1/],
  ['leaves a route', /left: kernel route -4 198\.51\.100\.2 dev lan0 table 500/],
  ['leaves a neighbour', /left: kernel neighbour 198\.51\.100\.3 dev lan0/],
  ['leaves an address of the node', /left: kernel address 198\.51\.100\.4\/32 dev lan0/],
  ['leaves a link', /left: kernel link leaked/],
  ['leaves an nft table', /left: kernel table inet leaked/],
  ['leaves a file', /left: attachments leaked\.json/],
  ['leaves a record', /left: attachments [0-9a-f]{64}\+eth0\.json/],
  ['leaves an allocation', /left: held v4 10\.6\.1\./],
  ['gives one address to two pods', /^10\.6\.1\.77\/16 was given twice/],
];

if (insideNamespaces(import.meta.filename)) {
  let report: Promise<StressReport> | undefined;
  for (const [what, complaint] of expected) {
    test(`the stress run finds a product that ${what}`, async () => {
      report ??= stress({ seed: 1, kills: 0, parallel: 2, settleMs: 300, sabotage });
      const { complaints } = await report;
      assert.ok(
        complaints.some((one) => complaint.test(one)),
        complaints.join('\n'),
      );
    });
  }
}
