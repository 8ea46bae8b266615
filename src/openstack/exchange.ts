// One request to a server of a cloud, and its whole answer.

import { OrbError } from '#base';
import { type Connections, type HttpRequest, readBody } from '#http';
import { withoutSecrets } from './secrets.ts';

export interface CloudRequest {
  /** "Neutron", as messages call the server. */
  readonly service: string;
  readonly server: URL;
  readonly method: HttpRequest['method'];
  /** After the path of `server`, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** For messages: "read port 6e…". */
  readonly action: string;
  readonly lifeMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Never in a message. */
  readonly secrets: readonly string[];
}

export interface CloudAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** By which the operators of the cloud find the request in their logs. */
  readonly requestId: string | undefined;
}

/** Throws OPENSTACK_UNREACHABLE where no complete answer comes. */
export async function exchanged(connections: Connections, cloud: CloudRequest): Promise<CloudAnswer> {
  const { service, server, action, secrets } = cloud;
  const failed = (said: string, cause?: unknown) =>
    new OrbError('OPENSTACK_UNREACHABLE', {
      message: `cannot ${action}: ${service} at ${server.origin} does not answer`,
      subject: action,
      said: withoutSecrets(said, secrets),
      ...(cause !== undefined && { cause }),
    });
  const resend = cloud.method === 'GET' || cloud.method === 'DELETE';
  const request: HttpRequest = { ...cloud, resend, failed };
  const response = await connections.open(request);
  const text = await readBody(response, request);
  const id = response.headers['x-openstack-request-id'] ?? response.headers['x-compute-request-id'];
  return {
    status: response.statusCode ?? 0,
    text,
    headers: response.headers,
    requestId: typeof id === 'string' ? id.slice(0, 64) : undefined,
  };
}

/** The JSON of a successful answer. Throws OPENSTACK_MALFORMED. */
export function jsonOf(answer: CloudAnswer, { service, action }: CloudRequest): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw malformed(service, action, 'is not JSON');
  }
}

export function malformed(service: string, action: string, why: string): OrbError {
  const message = `${service}'s answer to ${action} ${why}`;
  return new OrbError('OPENSTACK_MALFORMED', { message, subject: action });
}
