// The path of a network namespace that now belongs to another pod. This happens to /proc/PID/ns/net when a PID is reused.

import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { kernelLines } from '../conformance/kernel-state.ts';
import { leaveNothing } from './footprint.ts';
import { insideNamespaces } from './namespaces.ts';
import { OneNode } from './one-node.ts';
import { CniFailure, Runtime, Sandbox, underlay } from './runtime.ts';

if (insideNamespaces(import.meta.filename)) {
  const runtime = new Runtime();
  const network = underlay({ ipv4: ['v4'], ipv6: ['v6'] });
  const path = '/run/path-of-a-process';
  const byPath = { env: { CNI_NETNS: path } };
  let node: OneNode;

  function sandboxOf(name: string): Promise<Sandbox> {
    return Sandbox.ofNewPod(node, name);
  }

  function leadsTo(sandbox: Sandbox): void {
    rmSync(path, { force: true });
    symlinkSync(sandbox.netns, path);
  }

  before(async () => {
    node = await OneNode.start();
    await node.createPools();
    const sandbox = await sandboxOf('first');
    await runtime.add(network, sandbox);
    await runtime.del(network, sandbox);
    sandbox.dropNamespace();
  });
  after(() => node.stop());
  leaveNothing(runtime, () => node);

  test('CHECK and DEL do not touch another pod whose namespace now has the recorded path', async () => {
    const [old, next] = [await sandboxOf('old'), await sandboxOf('next')];
    leadsTo(old);
    const prevResult = await runtime.add(network, old, byPath);
    await runtime.add(network, next);
    leadsTo(next);
    const untouched = kernelLines(next.netns.replace('/run/netns/', ''));

    const [, coordinator = { type: 'coordinator' }] = network.plugins;
    const checked = await runtime.call('CHECK', network, coordinator, {
      ...byPath,
      sandbox: old,
      prevResult,
    });
    assert.match(
      new CniFailure(checked).message,
      /is not the network namespace that the interface was added in/,
    );
    // macvlan would delete eth0 in whichever namespace the path names. The test shows what our plugins do.
    for (const type of ['coordinator', 'spiderpool']) {
      const { exit, stdout } = await runtime.call(
        'DEL',
        network,
        { ...network.plugins[0], type },
        { ...byPath, sandbox: old },
      );
      assert.equal(exit, 0, stdout);
    }
    assert.deepEqual(kernelLines(next.netns.replace('/run/netns/', '')), untouched);
    await runtime.check(network, next);

    old.dropNamespace();
    await runtime.del(network, next);
    next.dropNamespace();
  });
}
