// One CNI request over the agent's socket, as the shim sends it.

import { connect } from 'node:net';
import { encodeFrame, FrameReader } from '#cni';

export interface AgentCall {
  readonly type: string;
  readonly verb: 'ADD' | 'DEL';
  /** The pod's name, which is also the container's id. */
  readonly pod: string;
  /** K8S_POD_UID, where the type needs it. */
  readonly uid?: string | undefined;
  readonly netns: string;
  readonly nic: string;
  /** The network configuration. */
  readonly conf: object;
}

export interface AgentAnswer {
  /** The time from the first byte of the request to the last byte of the answer. */
  readonly tookUs: number;
  readonly exitCode: number;
  /** The result, or the error, as the runtime gets it. */
  readonly stdout: string;
}

/** Resolves with the answer, whether it is a success or an error. */
export function callAgent({ type, verb, pod, uid, netns, nic, conf }: AgentCall): Promise<AgentAnswer> {
  const frame = encodeFrame([
    ['type', type],
    ['shim', '0.1.0'],
    ['request', '0123456789abcdef'],
    ['deadline', '60000'],
    ['env:CNI_COMMAND', verb],
    ['env:CNI_CONTAINERID', pod],
    ['env:CNI_NETNS', netns],
    ['env:CNI_IFNAME', nic],
    ['env:CNI_PATH', '/opt/cni/bin'],
    [
      'env:CNI_ARGS',
      `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}${uid === undefined ? '' : `;K8S_POD_UID=${uid}`}`,
    ],
    ['stdin', JSON.stringify(conf)],
  ]);
  return new Promise((resolve, reject) => {
    const reader = new FrameReader();
    const began = performance.now();
    const socket = connect('/run/orbweaver/agent.sock');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the agent closed without an answer to ${verb} of ${pod}`)));
    socket.on('data', (chunk) => {
      const answer = reader.push(chunk);
      if (answer === undefined) return;
      const tookUs = (performance.now() - began) * 1000;
      const field = (name: string) => answer.fields.get(name)?.toString() ?? '';
      resolve({ tookUs, exitCode: Number(field('exit')), stdout: field('stdout') });
    });
    socket.write(frame);
  });
}
