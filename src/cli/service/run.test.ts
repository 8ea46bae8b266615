// What `orbctl service` asks the agent, and what it says.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ServiceReport } from '#api';
import { answerFrame, FrameReader } from '#cni';
import { runServiceBackends, runServiceExplain, runServiceList, type ServiceRun } from './run.ts';

const port = {
  ...{ protocol: 'TCP', place: '10.96.0.1:80', service: 'shop/web', affinitySeconds: 0 },
  ...{ ready: 1, draining: 1, sockets: 12, refused: 0 },
} as const;
const report: ServiceReport = {
  node: 'node1',
  ports: [
    { ...port, protocol: 'UDP', service: 'names/dns', place: '10.96.0.10:53', affinitySeconds: 60 },
    port,
  ],
};
const detailed: ServiceReport = {
  node: 'node1',
  ports: [
    {
      ...port,
      endpoints: [
        { place: '10.244.0.5:8080', node: 'node1', sockets: 'all' },
        { place: '10.244.0.6:8080', sockets: 'old', because: 'it ends' },
      ],
    },
  ],
};

/** The answer to a command whose agent says `said`, and the question that the agent got. */
async function asked(
  said: ServiceReport,
  run: (flags: { output: 'text' | 'json'; socket: string }) => Promise<ServiceRun>,
  output: 'text' | 'json' = 'text',
): Promise<ServiceRun & { readonly question: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-service-'));
  const path = join(folder, 'agent.sock');
  let question: unknown;
  const server = createServer((socket) =>
    socket.once('data', (bytes: Buffer) => {
      const frame = new FrameReader().push(bytes);
      question = JSON.parse(frame?.fields.get('stdin')?.toString() ?? '');
      socket.end(answerFrame({ exitCode: 0, stdout: JSON.stringify(said), log: '' }));
    }),
  );
  await once(server.listen(path), 'listening');
  try {
    return { ...(await run({ output, socket: path })), question };
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test('list shows each port of each Service', async () => {
  const { text, exitCode, question } = await asked(report, runServiceList);
  assert.deepEqual([exitCode, question], [0, {}]);
  assert.deepEqual(text.split('\n'), [
    'Services are served in socket calls of node1',
    '',
    'SERVICE    PROTOCOL  ADDRESS        BACKENDS  ENDING  SOCKETS  REFUSED  AFFINITY',
    'names/dns  UDP       10.96.0.10:53  1         1       12       0        60 s',
    'shop/web   TCP       10.96.0.1:80   1         1       12       0',
  ]);
});

test('list shows the Services of one namespace', async () => {
  const { text } = await asked(report, (flags) => runServiceList({ ...flags, namespace: 'shop' }));
  assert.doesNotMatch(text, /names/);
  assert.match(text, /shop\/web/);
  const { exitCode } = await asked(report, (flags) => runServiceList({ ...flags, namespace: 'sho' }));
  assert.equal(exitCode, 1);
});

test('explain says which endpoints a socket gets, and why not the others', async () => {
  const { text, exitCode, question } = await asked(detailed, (flags) =>
    runServiceExplain(flags, '10.96.0.1:80'),
  );
  assert.deepEqual([exitCode, question], [0, { place: '10.96.0.1:80' }]);
  assert.deepEqual(text.split('\n').slice(2), [
    'TCP 10.96.0.1:80 of Service shop/web: a new socket gets the one backend',
    '  ENDPOINT         NODE   SOCKETS      WHY',
    '  10.244.0.5:8080  node1  new and old',
    '  10.244.0.6:8080         only old     it ends',
  ]);
});

test('explain asks for an address as the agent writes it, and refuses what is none', async () => {
  const none = { node: 'node1', ports: [] };
  const { text, exitCode, question } = await asked(none, (flags) =>
    runServiceExplain(flags, '[FD00:0::1]:080'),
  );
  assert.deepEqual([exitCode, question], [1, { place: '[fd00::1]:80' }]);
  assert.match(text, /^no Service that socket calls serve has \[fd00::1\]:80: its packets take/m);
  for (const wrong of ['10.96.0.1', '10.96.0.1:65536', ':80', 'fd00::1:80', 'web:80'])
    await assert.rejects(runServiceExplain({ output: 'text', socket: '/nowhere' }, wrong), {
      code: 'INPUT_INVALID',
    });
});

test('backends takes the namespace from the name, the option, or default', async () => {
  const ask = async (name: string, namespace?: string) =>
    (
      await asked(detailed, (flags) =>
        runServiceBackends({ ...flags, ...(namespace && { namespace }) }, name),
      )
    ).question;
  assert.deepEqual(await ask('web'), { service: 'default/web' });
  assert.deepEqual(await ask('web', 'shop'), { service: 'shop/web' });
  assert.deepEqual(await ask('shop/web', 'other'), { service: 'shop/web' });
});

test('where sockets are not served, the first line says why, and the exit code is 1', async () => {
  const off = { ...report, off: 'serviceMode is kube-proxy' };
  const { text, exitCode } = await asked(off, runServiceList);
  assert.equal(exitCode, 1);
  assert.match(
    text,
    /^Services are not served .* of node1, and kube-proxy serves: serviceMode is kube-proxy\n/,
  );
});

test('a Service without ready endpoints refuses', async () => {
  const empty = { node: 'node1', ports: [{ ...port, ready: 0, endpoints: [] }] };
  const { text } = await asked(empty, (flags) => runServiceExplain(flags, '10.96.0.1:80'));
  assert.match(text, /connections are refused, because no endpoint is ready$/);
});

test('JSON is the report of the agent', async () => {
  const { text } = await asked(detailed, (flags) => runServiceExplain(flags, '10.96.0.1:80'), 'json');
  assert.deepEqual(JSON.parse(text), detailed);
});
