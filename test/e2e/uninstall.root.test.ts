// `agent --uninstall`: the node has nothing of the agent any more, and everything of others.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { insideNamespaces } from './namespaces.ts';
import { nodeName, OneNode } from './one-node.ts';
import { Daemon, runProgram } from './program.ts';
import { Runtime, Sandbox, underlay } from './runtime.ts';

if (insideNamespaces(import.meta.filename)) {
  const agentProgram = join(import.meta.dirname, '../../dist/agent.mjs');
  const bin = '/opt/cni/bin';
  let node: OneNode;

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
  });
  after(() => node.stop());

  const ofOthers = {
    rule: ['priority', '900', 'from', 'all', 'lookup', '500'],
    route: ['10.99.0.0/24', 'dev', 'lo'],
  };

  /** Rules, routes and tables with our mark (protocol 79). */
  function ours(): string[] {
    const texts = [
      ...['-4', '-6'].flatMap((family) => [
        runProgram('ip', [family, '-d', 'rule', 'show']),
        runProgram('ip', [family, '-d', 'route', 'show', 'table', 'all']),
      ]),
      runProgram('nft', ['list', 'tables']),
    ];
    return texts.flatMap((text) => text.split('\n').filter((line) => /proto 79|inet orbweaver/.test(line)));
  }

  test('it removes files, rules, routes and state, is then ready, and leaves what others made', async () => {
    const runtime = new Runtime();
    const network = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
    const sandbox = await Sandbox.ofNewPod(node, 'pod');
    await runtime.add(network, sandbox);
    assert.ok(ours().length > 0);
    await node.agent.stop();
    runProgram('ip', ['rule', 'add', ...ofOthers.rule]);
    runProgram('ip', ['route', 'add', ...ofOthers.route, 'table', '500']);
    writeFileSync(join(bin, '.vlan.before-orbweaver'), 'theirs');
    mkdirSync('/etc/cni/net.d', { recursive: true });
    writeFileSync('/etc/cni/net.d/05-theirs.conflist', '{}');

    const removal = new Daemon('removal', node.folder, [
      ...([process.execPath, agentProgram, '--uninstall', '--node-name', nodeName] as const),
      ...['--config-path', join(node.folder, 'conf.yml'), '--health-port', '5711'],
      ...['--install-from', join(agentProgram, '../ow-cni')],
    ]);
    const ready = async () => {
      const answer = await fetch('http://127.0.0.1:5711/v1/runtime/readiness').catch(() => undefined);
      return answer?.ok === true;
    };
    await removal.start(ready);
    assert.deepEqual(ours(), []);
    assert.deepEqual(
      ['coordinator', 'spiderpool', 'ow-cni'].filter((name) => existsSync(join(bin, name))),
      [],
    );
    assert.ok(existsSync(join(bin, 'macvlan')), 'a plugin of others is still there');
    assert.deepEqual(readdirSync('/etc/cni/net.d'), ['05-theirs.conflist']);
    assert.deepEqual(readdirSync('/var/lib/orbweaver'), []);
    assert.equal(existsSync('/run/orbweaver/agent.sock'), false);
    assert.match(runProgram('ip', ['rule', 'show']), /^900:\s+from all lookup 500$/m);
    assert.match(runProgram('ip', ['route', 'show', 'table', '500']), /^10\.99\.0\.0\/24 dev lo/m);
    await removal.stop('SIGTERM');
    assert.match(removal.log, /the node has nothing of the agent any more/);
  });
}
