// The shim's request and the answer to it, read from and written as frames.

import { type CniVariable, type CniVariables, cniVariables } from '#api';
import { OrbError } from '#base';
import { encodeFrame, FRAME_PROTOCOL, type Frame } from './frame.ts';

/** The shim's request. Only its format is checked here. */
export interface CniRequest {
  /** The CNI type: the name under which the executable was called. */
  readonly type: string;
  readonly shimVersion: string;
  /** 16 hex digits that appear in the shim's log and in the agent's log. */
  readonly id: string;
  /** How long the shim will wait, in milliseconds from now. */
  readonly deadlineMs: number;
  readonly variables: CniVariables;
  readonly stdin: string;
}

/** What the shim prints and exits with. */
export interface CniAnswer {
  readonly exitCode: number;
  /** One JSON document, or nothing. */
  readonly stdout: string;
  /** For the shim's standard error. */
  readonly log: string;
}

/** Protocol N and N−1 are served. There is no protocol before the first. */
const servedProtocols: readonly number[] = [FRAME_PROTOCOL];

/** @throws OrbError FRAME_DAMAGED for a frame that is not a request, or whose protocol is not served */
export function readRequest(frame: Frame): CniRequest {
  if (!servedProtocols.includes(frame.protocol)) {
    throw new OrbError('FRAME_DAMAGED', {
      message: `frame of protocol ${frame.protocol}: this agent supports ${servedProtocols.join(', ')}`,
    });
  }
  const variables: Partial<Record<CniVariable, string>> = {};
  for (const name of cniVariables) {
    const value = frame.fields.get(`env:${name}`);
    if (value !== undefined) variables[name] = value.toString();
  }
  const id = field(frame, 'request', /^[0-9a-f]{16}$/);
  return {
    type: field(frame, 'type', /^[a-zA-Z0-9._-]{1,64}$/),
    shimVersion: field(frame, 'shim', /^[0-9a-zA-Z.+-]{1,32}$/),
    id,
    deadlineMs: Number(field(frame, 'deadline', /^[0-9]{1,9}$/)),
    variables,
    stdin: frame.fields.get('stdin')?.toString() ?? '',
  };
}

/** The frame of an answer. */
export function answerFrame(answer: CniAnswer): Buffer {
  return encodeFrame([
    ['exit', String(answer.exitCode)],
    ['stdout', answer.stdout],
    ['log', answer.log],
  ]);
}

/** The frame of a request, as the shim writes it. The DEL queue uses it. */
export function requestFrame(request: CniRequest): Buffer {
  return encodeFrame([
    ['type', request.type],
    ['shim', request.shimVersion],
    ['request', request.id],
    ['deadline', String(request.deadlineMs)],
    ...Object.entries(request.variables).map(([name, value]) => [`env:${name}`, value] as const),
    ['stdin', request.stdin],
  ]);
}

function field(frame: Frame, name: string, form: RegExp): string {
  const value = frame.fields.get(name)?.toString();
  if (value === undefined || !form.test(value)) {
    throw new OrbError('FRAME_DAMAGED', {
      message: `field ${name} is ${JSON.stringify(value?.slice(0, 80))}, not ${form}`,
    });
  }
  return value;
}
