// ADD, CHECK, DEL and GC of one container after the other. CNI specification 1.1.0, section 2.

import { AT_ONCE_MS, type Case, type NotApplicable, notApplicable } from './case.ts';
import type { Execution } from './execution.ts';
import { addressesOf, expectError, expectSuccess } from './expect.ts';
import { kernelLines, kernelObjects, run } from './kernel-state.ts';
import { type Container, Failure, type Node } from './node.ts';

async function addTwice(node: Node): Promise<undefined> {
  const before = node.state();
  const container = node.container();
  const prevResult = await node.chain(container);
  const change = prevResult === undefined ? {} : { prevResult };
  const first = expectSuccess(await node.call('ADD', container, change), 'the first ADD');
  const held = [...node.state(), ...kernelLines(container.namespace)];
  const second = await node.call('ADD', container, change);
  if (node.profile.kind === 'main') {
    // "If the interface name requested is already present in the container, ADD must return an error" (section 2, ADD).
    expectError(second, 'the second ADD');
  } else if (second.exit === 0 && addressesOf(second.json ?? {}).join() !== addressesOf(first).join()) {
    throw new Failure('the second ADD gave other addresses than the first');
  }
  const now = [...node.state(), ...kernelLines(container.namespace)];
  const harmed = held.filter((line) => !now.includes(line));
  if (harmed.length > 0) throw new Failure(`the second ADD took away: ${harmed.join('; ')}`);
  expectSuccess(await node.remove(container), 'DEL');
  await node.expectState(before, 'after ADD, ADD, DEL');
  return undefined;
}

async function delTwice(node: Node): Promise<undefined> {
  const before = node.state();
  const container = node.container();
  const empty = kernelLines(container.namespace);
  const result = expectSuccess(await node.add(container), 'ADD');
  expectSuccess(await node.call('DEL', container, { prevResult: result }), 'the first DEL');
  const left = kernelLines(container.namespace).filter((line) => !empty.includes(line));
  if (left.length > 0) throw new Failure(`DEL left in the container: ${left.join('; ')}`);
  expectSuccess(await node.call('DEL', container, { prevResult: result }), 'the second DEL');
  node.dropNamespace(container);
  await node.expectState(before, 'after DEL');
  return undefined;
}

async function delWithoutNetns(node: Node): Promise<undefined> {
  const before = node.state();
  const container = node.container();
  expectSuccess(await node.add(container), 'ADD');
  expectSuccess(
    await node.call('DEL', container, { env: { CNI_NETNS: undefined } }),
    'DEL without CNI_NETNS',
  );
  node.dropNamespace(container);
  await node.expectState(before, 'after DEL without CNI_NETNS');
  return undefined;
}

async function delWithDeletedNetns(node: Node): Promise<undefined> {
  const before = node.state();
  const container = node.container();
  const result = expectSuccess(await node.add(container), 'ADD');
  node.dropNamespace(container);
  expectSuccess(await node.call('DEL', container, { prevResult: result }), 'DEL with a deleted namespace');
  await node.expectState(before, 'after DEL with a deleted namespace');
  return undefined;
}

async function delBeforeAdd(node: Node): Promise<undefined> {
  const before = node.state();
  expectSuccess(await node.remove(node.container()), 'DEL before ADD');
  await node.expectState(before, 'after DEL before ADD');
  return undefined;
}

async function delWithoutAgent(node: Node): Promise<NotApplicable | undefined> {
  const { agentStop, agentStart } = node.profile;
  if (agentStop === undefined || agentStart === undefined) return notApplicable('has no agent');
  const before = node.state();
  const container = node.container();
  expectSuccess(await node.add(container), 'ADD');
  node.shell(agentStop);
  try {
    const done = await node.call('DEL', container);
    expectSuccess(done, 'DEL with the agent stopped');
    if (done.elapsedMs > AT_ONCE_MS)
      throw new Failure(`DEL with the agent stopped took ${done.elapsedMs.toFixed(0)} ms`);
  } finally {
    node.shell(agentStart);
  }
  node.dropNamespace(container);
  await node.expectState(before, 'after DEL with the agent stopped and started again');
  return undefined;
}

/** Removes something. The returned function tells whether it is back. */
type Damage = (container: Container) => () => boolean;

const neverBack = () => false;

/** Removes each object that the plugin made in a container, and its lease, one at a time. CHECK must find each one missing. */
async function checkFindsDamage(node: Node): Promise<NotApplicable | undefined> {
  if (!node.versions.some((version) => version >= '0.4.0')) return notApplicable('does not speak 0.4.0');
  expectSuccess((await checkAfter(node, () => neverBack)).done, 'CHECK of an intact container');
  const damages = await possibleDamages(node);
  if (damages.length === 0) return notApplicable('puts nothing into a container that could be broken');
  const missed: string[] = [];
  for (const [what, damage] of damages) {
    const { done, isBack } = await checkAfter(node, damage);
    // A plugin with an agent may have repaired it before CHECK.
    if (done.exit === 0 && !isBack) missed.push(what);
    else if (done.exit !== 0) expectError(done, `CHECK without ${what}`);
  }
  if (missed.length > 0) throw new Failure(`CHECK is content without: ${missed.join('; ')}`);
  const container = node.container();
  const early = await node.add(container, { version: '0.3.1' });
  const done = await node.call('CHECK', container, { version: '0.3.1', prevResult: early.json ?? {} });
  await node.remove(container);
  expectError(done, 'CHECK of version 0.3.1', 1);
  return undefined;
}

/** ADD, damage, CHECK, DEL. Returns the result of CHECK, and whether the damage was repaired by then. */
async function checkAfter(node: Node, damage: Damage): Promise<{ done: Execution; isBack: boolean }> {
  const container = node.container();
  const result = expectSuccess(await node.add(container), 'ADD');
  const lookAgain = damage(container);
  const done = await node.call('CHECK', container, { prevResult: result });
  const isBack = lookAgain();
  expectSuccess(await node.remove(container, { prevResult: result }), 'DEL of a damaged container');
  return { done, isBack };
}

/** Tries one container. Objects are identified by their index in the list, because addresses differ between containers. */
async function possibleDamages(node: Node): Promise<[string, Damage][]> {
  const damages: [string, Damage][] = [];
  const { breakLease } = node.profile;
  if (breakLease !== undefined) {
    damages.push([
      'the lease',
      (container) => {
        node.shell(breakLease.replaceAll('{container}', container.id));
        return neverBack;
      },
    ]);
  }
  const sample = node.container();
  const prevResult = await node.chain(sample);
  const given = kernelLines(sample.namespace);
  expectSuccess(await node.call('ADD', sample, prevResult === undefined ? {} : { prevResult }), 'ADD');
  for (const [index, { text }] of kernelObjects(sample.namespace).entries()) {
    if (given.includes(text)) continue;
    const kind = text.split(' ')[0] ?? '';
    damages.push([
      text,
      (container) => {
        const object = kernelObjects(container.namespace)[index];
        if (object?.text.startsWith(kind) !== true)
          throw new Failure(`two containers differ: one has no ${text}`);
        run('ip', ['-n', container.namespace, ...object.remove]);
        return () => kernelLines(container.namespace).includes(object.text);
      },
    ]);
  }
  await node.remove(sample);
  return damages;
}

async function checkWithoutPrevResult(node: Node): Promise<NotApplicable | undefined> {
  if (!node.versions.some((version) => version >= '0.4.0')) return notApplicable('does not speak 0.4.0');
  const container = node.container();
  expectSuccess(await node.add(container), 'ADD');
  const done = await node.call('CHECK', container);
  await node.remove(container);
  expectError(done, 'CHECK without prevResult');
  return undefined;
}

async function garbageCollection(node: Node): Promise<NotApplicable | undefined> {
  if (!node.speaks('1.1.0')) return notApplicable('does not speak 1.1.0');
  const attachments = (...kept: Container[]) => ({
    conf: { 'cni.dev/valid-attachments': kept.map(({ id, ifname }) => ({ containerID: id, ifname })) },
  });
  const clean = node.state();
  const other = node.container();
  expectSuccess(await node.add(other, { network: 'other' }), 'ADD in the other network');
  const withOther = node.state();
  const kept = node.container();
  expectSuccess(await node.add(kept), 'ADD');
  const withKept = node.state();
  const inside = kernelLines(kept.namespace);
  const stale = node.container();
  expectSuccess(await node.add(stale), 'ADD');
  node.dropNamespace(stale);
  expectSuccess(await node.network('GC', attachments(kept)), 'GC that keeps one');
  await node.expectState(withKept, 'after GC that keeps one');
  const lost = inside.filter((line) => !kernelLines(kept.namespace).includes(line));
  if (lost.length > 0) throw new Failure(`GC took from the container it had to keep: ${lost.join('; ')}`);
  node.dropNamespace(kept);
  expectSuccess(await node.network('GC', attachments()), 'GC that keeps none');
  await node.expectState(withOther, 'after GC that keeps none');
  expectSuccess(await node.remove(other, { network: 'other' }), 'DEL in the other network');
  await node.call('DEL', stale);
  await node.call('DEL', kept);
  await node.expectState(clean, 'after all');
  return undefined;
}

async function failedAdd(node: Node): Promise<NotApplicable | undefined> {
  let failures = 0;
  const nowhere = node.container();
  node.dropNamespace(nowhere);
  if (node.profile.kind !== 'ipam') {
    const before = node.state();
    failures++;
    expectError(
      await node.call('ADD', nowhere, { prevResult: { cniVersion: node.newest } }),
      'ADD into a namespace that is not there',
    );
    await node.expectState(before, 'after ADD into a namespace that is not there');
  }
  for (const { what: trouble, conf, containersBefore } of node.profile.failing) {
    failures++;
    const what = `ADD with ${trouble}`;
    const holders = Array.from({ length: containersBefore }, () => node.container());
    for (const holder of holders) expectSuccess(await node.add(holder, { conf }), 'ADD before it');
    const container = node.container();
    const prevResult = await node.chain(container);
    const before = node.state();
    const inside = kernelLines(container.namespace);
    expectError(await node.call('ADD', container, { conf, ...(prevResult && { prevResult }) }), what);
    await node.expectState(before, `after a failed ${what}`);
    const left = kernelLines(container.namespace).filter((line) => !inside.includes(line));
    if (left.length > 0) throw new Failure(`a failed ${what} left in the container: ${left.join('; ')}`);
    for (const used of [container, ...holders]) await node.remove(used, { conf });
  }
  return failures === 0 ? notApplicable('the profile names no configuration that fails') : undefined;
}

export const lifecycleCases: readonly Case[] = [
  { number: 8, title: 'a second ADD leaves the first intact', run: addTwice },
  { number: 9, title: 'a second DEL succeeds', run: delTwice },
  { number: 10, title: 'DEL works without CNI_NETNS', run: delWithoutNetns },
  {
    number: 11,
    title: 'DEL cleans the node up when the namespace is deleted already',
    run: delWithDeletedNetns,
  },
  { number: 12, title: 'DEL without an ADD succeeds', run: delBeforeAdd },
  {
    number: 13,
    title: 'DEL returns at once when the agent is stopped, and is done later',
    run: delWithoutAgent,
  },
  { number: 14, title: 'CHECK finds each missing link, address, route and rule', run: checkFindsDamage },
  { number: 15, title: 'CHECK without prevResult is an error', run: checkWithoutPrevResult },
  { number: 17, title: 'GC frees what is not listed, in its own network only', run: garbageCollection },
  { number: 18, title: 'a failed ADD leaves nothing', run: failedAdd },
];
