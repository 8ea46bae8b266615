// Turns a server's refusal into an error. A refusal is a Status object or any other answer that is not a success.

import { type ErrorCode, OrbError } from '#base';

/** The fields of a meta/v1 Status that give the reason. */
export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'KUBE_INVALID',
  401: 'KUBE_FORBIDDEN',
  403: 'KUBE_FORBIDDEN',
  404: 'KUBE_NOT_FOUND',
  405: 'KUBE_INVALID',
  406: 'KUBE_INVALID',
  409: 'KUBE_CONFLICT',
  410: 'KUBE_EXPIRED',
  413: 'KUBE_INVALID',
  415: 'KUBE_INVALID',
  422: 'KUBE_INVALID',
};

/** The error for an answer with `status` to the request that `action` describes ("update SpiderIPPool v4"). */
export function refusal(action: string, subject: string, status: number, body: Status): OrbError {
  const code =
    body.reason === 'AlreadyExists' ? 'KUBE_ALREADY_EXISTS' : (codeOfStatus[status] ?? 'KUBE_UNREACHABLE');
  const said = body.message ?? body.reason ?? '';
  return new OrbError(code, {
    message: `the API server answered ${status} to ${action}`,
    subject,
    ...(said !== '' && { said }),
  });
}

/** Reads the body of a refusal. A proxy may answer with text that is not a Status. */
export function parseStatus(text: string): Status {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) return body;
  } catch {
    // The text is not JSON: use the text itself as the message.
  }
  return { message: text.slice(0, 500) };
}
