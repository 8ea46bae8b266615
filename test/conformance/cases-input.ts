// How a plugin handles its environment and stdin. CNI specification 1.1.0, sections 2 and 5.

import { AT_ONCE_MS, type Case, notApplicable } from './case.ts';
import { expectError, expectShape, expectSuccess } from './expect.ts';
import { Failure, type Node } from './node.ts';

/** Every call of this case has the result that `check` expects, and the node is as before. */
async function untouched(node: Node, check: () => Promise<void>): Promise<void> {
  const before = node.state();
  await check();
  await node.expectState(before, 'after calls that must fail');
}

async function version(node: Node): Promise<undefined> {
  const answer = expectSuccess(
    await node.raw({ CNI_COMMAND: 'VERSION' }, '{"cniVersion":"1.0.0"}'),
    'VERSION',
  );
  if (typeof answer.cniVersion !== 'string') throw new Failure('VERSION: no cniVersion');
  const versions: unknown = answer.supportedVersions;
  if (!Array.isArray(versions) || versions.length === 0 || versions.some((one) => typeof one !== 'string')) {
    throw new Failure('VERSION: supportedVersions is not a list of versions');
  }
  return undefined;
}

async function everyVersion(node: Node): Promise<undefined> {
  if (node.versions.length === 0) throw new Failure('VERSION names no version');
  for (const one of node.versions) {
    const container = node.container();
    const result = expectSuccess(await node.add(container, { version: one }), `ADD of version ${one}`);
    expectShape(result, one, node.profile.kind, container.netns);
    expectSuccess(await node.remove(container, { version: one }), `DEL of version ${one}`);
  }
  return undefined;
}

async function unknownVersion(node: Node): Promise<undefined> {
  const container = node.container();
  await untouched(node, async () => {
    expectError(await node.call('ADD', container, { version: '9.9.9' }), 'ADD of version 9.9.9', 1);
  });
  node.dropNamespace(container);
  return undefined;
}

async function missingEnvironment(node: Node): Promise<undefined> {
  const container = node.container();
  await untouched(node, async () => {
    for (const [verb, name] of [
      ['ADD', 'CNI_CONTAINERID'],
      ['ADD', 'CNI_NETNS'],
      ['ADD', 'CNI_IFNAME'],
      ['DEL', 'CNI_CONTAINERID'],
      ['DEL', 'CNI_IFNAME'],
    ] as const) {
      expectError(
        await node.call(verb, container, { env: { [name]: undefined } }),
        `${verb} without ${name}`,
        4,
        name,
      );
    }
    expectError(await node.call('FROB', container), 'CNI_COMMAND=FROB', 4);
  });
  node.dropNamespace(container);
  return undefined;
}

async function illegalNames(node: Node): Promise<undefined> {
  const container = node.container();
  const bad: [string, string][] = [
    ...['../x', '-x', 'a/b', 'a b', '.'].map((id): [string, string] => ['CNI_CONTAINERID', id]),
    ...['.', '..', 'a/b', 'a:b', 'a b', 'sixteen-letters-'].map((name): [string, string] => [
      'CNI_IFNAME',
      name,
    ]),
  ];
  await untouched(node, async () => {
    for (const [name, value] of bad) {
      expectError(
        await node.call('ADD', container, { env: { [name]: value } }),
        `ADD with ${name}="${value}"`,
        4,
      );
    }
  });
  node.dropNamespace(container);
  return undefined;
}

async function brokenJson(node: Node): Promise<undefined> {
  const container = node.container();
  await untouched(node, async () => {
    expectError(await node.call('ADD', container, { stdin: '{' }), 'ADD with stdin {', 6);
  });
  node.dropNamespace(container);
  return undefined;
}

async function networkName(node: Node): Promise<undefined> {
  const container = node.container();
  await untouched(node, async () => {
    const nameless = JSON.stringify({ ...JSON.parse(node.conf()), name: undefined });
    expectError(await node.call('ADD', container, { stdin: nameless }), 'ADD without a network name', 7);
    expectError(
      await node.call('ADD', container, { network: '../etc' }),
      'ADD with the network name ../etc',
      7,
    );
  });
  node.dropNamespace(container);
  return undefined;
}

async function onlyJson(node: Node): Promise<undefined> {
  const container = node.container();
  const nasty = [
    '',
    'null',
    '[]',
    '"text"',
    '{"cniVersion":5}',
    '\u0000',
    '['.repeat(100_000),
    '{"cniVersion":"1.0.0","name":"x","ipam":7}',
  ];
  for (const stdin of nasty) {
    for (const verb of ['ADD', 'CHECK']) {
      const done = await node.call(verb, container, { stdin });
      expectError(done, `${verb} with stdin ${JSON.stringify(stdin.slice(0, 30))}`);
    }
  }
  node.dropNamespace(container);
  if (node.garbage.length > 0) throw new Failure(`stdout was not one JSON object: ${node.garbage[0]}`);
  return undefined;
}

async function largeStdin(node: Node): Promise<undefined> {
  const container = node.container();
  const started = performance.now();
  expectSuccess(
    await node.add(container, { conf: { padding: 'x'.repeat(1_000_000) } }),
    'ADD with 1 MB on stdin',
  );
  expectSuccess(await node.remove(container), 'DEL');
  if (performance.now() - started > 60_000)
    throw new Failure('ADD with 1 MB on stdin took more than a minute');
  return undefined;
}

async function status(node: Node): Promise<ReturnType<typeof notApplicable> | undefined> {
  if (!node.speaks('1.1.0')) return notApplicable('does not speak 1.1.0');
  const { agentStop, agentStart, agentDegrade } = node.profile;
  expectSuccess(await node.network('STATUS'), 'STATUS');
  if (agentStop !== undefined && agentStart !== undefined) {
    node.shell(agentStop);
    try {
      const done = await node.network('STATUS');
      expectError(done, 'STATUS with the agent stopped', 50);
      if (done.elapsedMs > AT_ONCE_MS)
        throw new Failure(`STATUS with the agent stopped took ${done.elapsedMs.toFixed(0)} ms`);
    } finally {
      node.shell(agentStart);
    }
    expectSuccess(await node.network('STATUS'), 'STATUS with the agent back');
  }
  if (agentDegrade !== undefined && agentStart !== undefined) {
    node.shell(agentDegrade);
    try {
      expectError(await node.network('STATUS'), 'STATUS with a degraded agent', 51);
    } finally {
      node.shell(agentStart);
    }
  }
  return undefined;
}

export const inputCases: readonly Case[] = [
  { number: 1, title: 'VERSION needs only CNI_COMMAND', run: version },
  { number: 2, title: 'the result has the shape of the requested version', run: everyVersion },
  { number: 3, title: 'an unsupported version is error 1', run: unknownVersion },
  { number: 4, title: 'a missing variable is error 4, and the message names it', run: missingEnvironment },
  { number: 5, title: 'an illegal container id or interface name is error 4', run: illegalNames },
  { number: 6, title: 'stdin that is not JSON is error 6', run: brokenJson },
  { number: 7, title: 'a missing or illegal network name is error 7', run: networkName },
  { number: 16, title: 'STATUS is 0, without the agent 50, and with a degraded agent 51', run: status },
  { number: 25, title: 'a configuration of 1 MB is read', run: largeStdin },
  { number: 19, title: 'stdout is only JSON, whatever the input is (all calls of this run)', run: onlyJson },
];
