// When the reference plugins ask for addresses: whether the NIC is there by then decides where it can be probed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Lan } from '../lan-fixture.ts';

/** Where Debian's containernetworking-plugins puts the reference plugins. */
const folder = '/usr/lib/cni';

/** How the NIC stands at IPAM's ADD, as an IPAM plugin sees it that then fails. */
function nicAtIpam(plugin: string, options: object): string {
  using lan = new Lan('po');
  const ipam = mkdtempSync(join(tmpdir(), 'ow-order-'));
  try {
    const seen = join(ipam, 'seen');
    const look = `[ "$CNI_COMMAND" = ADD ] && ip -n ${lan.pod} -br link show dev "$CNI_IFNAME" >${seen} 2>&1`;
    writeFileSync(join(ipam, 'looking'), `#!/bin/sh\n${look}\nexit 1\n`, { mode: 0o755 });
    const conf = { cniVersion: '1.0.0', name: 'lan', type: plugin, ipam: { type: 'looking' }, ...options };
    const env = {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'aaaa',
      CNI_NETNS: lan.path(lan.pod),
      CNI_IFNAME: 'net1',
      CNI_PATH: ipam,
      PATH: process.env.PATH,
    };
    const argv = ['netns', 'exec', lan.node, join(folder, plugin)];
    assert.throws(() => execFileSync('ip', argv, { input: JSON.stringify(conf), env, stdio: 'pipe' }));
    return readFileSync(seen, 'utf8').trim();
  } finally {
    rmSync(ipam, { recursive: true });
  }
}

for (const { plugin, options, expected } of [
  { plugin: 'macvlan', options: { master: 'eth0' }, expected: /^net1@\S+ +DOWN / },
  { plugin: 'bridge', options: { bridge: 'cni0' }, expected: /^net1@\S+ +(UP|DOWN|LOWERLAYERDOWN) / },
  { plugin: 'ptp', options: {}, expected: /does not exist/ },
] as const) {
  const skip = existsSync(join(folder, plugin)) ? false : `no ${join(folder, plugin)}`;
  const stands = expected.source.includes('exist') ? 'has not made' : 'has made';
  test(`${plugin} ${stands} the NIC under its final name when it requests addresses`, { skip }, () => {
    assert.match(nicAtIpam(plugin, options), expected);
  });
}
