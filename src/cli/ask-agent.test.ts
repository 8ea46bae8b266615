import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NODE_CHECK_TYPE } from '#api';
import { answerFrame, type CniAnswer } from '#cni';
import { askAgent } from './ask-agent.ts';

/** What is made of an agent's answer. */
async function asked(answer: CniAnswer): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-ask-'));
  const path = join(folder, 'agent.sock');
  const server = createServer((socket) => socket.once('data', () => socket.end(answerFrame(answer))));
  await once(server.listen(path), 'listening');
  try {
    return await askAgent(path, NODE_CHECK_TYPE, { repair: false });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test('orbctl reads the report of an agent', async () => {
  const report = { node: { name: 'node1', drift: [], repaired: false }, pods: [] };
  assert.deepEqual(await asked({ exitCode: 0, stdout: JSON.stringify(report), log: '' }), report);
});

test("the refusal of an older agent, which does not know the question, is an error with the agent's words", async () => {
  const refusal = '{"code":4,"msg":"type orbweaver-node-check is not served"}';
  await assert.rejects(asked({ exitCode: 1, stdout: refusal, log: '' }), {
    code: 'AGENT_UNREACHABLE',
    said: refusal,
  });
});
