// Asks the agent of this node over its socket, in the same frames that the shim uses.

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { errorText, OrbError } from '#base';
import { FrameReader, requestFrame } from '#cni';

/** A check of 250 pods takes a second. The agent waits for a pod whose request it is serving. */
const TIMEOUT_MS = 60_000;

/** The answer as JSON tells it. `type` is that of the question. Throws AGENT_UNREACHABLE if no agent answers. */
export async function askAgent(socketPath: string, type: string, question: object): Promise<unknown> {
  const answer = await exchange(socketPath, type, JSON.stringify(question)).catch((cause: unknown) => {
    throw new OrbError('AGENT_UNREACHABLE', {
      message: 'the agent of this node does not answer',
      subject: socketPath,
      said: errorText(cause),
      cause,
    });
  });
  return JSON.parse(answer) as unknown;
}

function exchange(path: string, type: string, stdin: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader();
    const socket = connect(path);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    socket.on('connect', () => {
      socket.write(
        requestFrame({
          type,
          shimVersion: 'orbctl',
          id: randomBytes(8).toString('hex'),
          deadlineMs: TIMEOUT_MS,
          variables: {},
          stdin,
        }),
      );
    });
    socket.on('data', (chunk) => {
      try {
        const frame = reader.push(chunk);
        if (frame === undefined) return;
        const said = frame.fields.get('stdout')?.toString() ?? '';
        if (frame.fields.get('exit')?.toString() === '0') resolve(said);
        else reject(new Error(said));
        socket.destroy();
      } catch (error) {
        reject(error as Error);
        socket.destroy();
      }
    });
    socket.on('error', reject);
    // This has no effect if the answer has already arrived.
    socket.on('close', () => reject(new Error('the agent closed the connection without an answer')));
  });
}
