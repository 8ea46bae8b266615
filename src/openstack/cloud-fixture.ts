// A Keystone and a Neutron that fail on demand: what the real servers cannot be told to do.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, silentLogger } from '#base';
import { type CloudClient, cloudClient } from './cloud.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FaultyCloud {
  readonly client: CloudClient;
  /** Tokens that were given, in order. */
  readonly tokens: string[];
  /** Requests to Neutron, each with its token. */
  readonly asked: { readonly line: string; readonly token: string }[];
  /** Seconds of life of the next token. */
  lifeSeconds: number;
  /** Keystone's next answers, instead of a token. */
  readonly loginAnswers: Answer[];
  close(): void;
}

/** `neutron` answers all requests that are no login. */
export async function faultyCloud(neutron: Answer, clock: Clock): Promise<FaultyCloud> {
  const server = createServer((request, response) => {
    if (request.url !== '/v3/auth/tokens') {
      const token = String(request.headers['x-auth-token']);
      cloud.asked.push({ line: `${request.method} ${request.url}`, token });
      return neutron(request, response);
    }
    const answer = cloud.loginAnswers.shift();
    if (answer !== undefined) return answer(request, response);
    const token = `token-${cloud.tokens.length + 1}`;
    cloud.tokens.push(token);
    const issued = Date.now();
    json(response, 201, tokenBody(issued, cloud.lifeSeconds, url), { 'x-subject-token': token });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = cloudClient(
    {
      source: 'test',
      authUrl: new URL(`${url}/v3`),
      login: { kind: 'application credential', credential: { id: 'credential' }, secret: 'a-secret' },
      region: undefined,
      interface: 'public',
      tls: {},
    },
    { log: silentLogger, clock },
  );
  const cloud: FaultyCloud = {
    client,
    tokens: [],
    asked: [],
    lifeSeconds: 3600,
    loginAnswers: [],
    close() {
      client.close();
      server.closeAllConnections();
      server.close();
    },
  };
  return cloud;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export const port = {
  id: 'p',
  project_id: 'project',
  network_id: 'n',
  mac_address: 'FA:16:3E:00:00:01',
  fixed_ips: [],
  device_id: '',
  device_owner: '',
  name: '',
  status: 'ACTIVE',
  description: '',
  revision_number: 1,
  security_groups: [],
};

function tokenBody(issued: number, lifeSeconds: number, url: string): unknown {
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    token: {
      issued_at: time(issued),
      expires_at: time(issued + lifeSeconds * 1000),
      project: { id: 'project' },
      roles: [{ name: 'member' }],
      catalog: [{ type: 'network', endpoints: [{ interface: 'public', region: 'A', url }] }],
    },
  };
}
