// What a test makes in the cloud: networks, VMs and ports, in the project of the nodes. It asks the servers directly.

import { createHmac } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '#base';
import { type CloudClient, cloudClient, cloudOf } from '#openstack';
import {
  type admin,
  authUrl,
  cloudAddress,
  flavorId,
  imageId,
  member,
  metadataSecret,
  ports,
  region,
} from './servers/place.ts';

/** Whether tests take the time that they need (`npm run test:openstack -- --all`), and not the few minutes of CI. */
export const isLong = process.env.ORBWEAVER_OPENSTACK_LONG === '1';

const neutronUrl = `http://${cloudAddress}:${ports.neutron}/v2.0`;
const novaUrl = `http://${cloudAddress}:${ports.nova}/v2.1`;

type Account = typeof admin | typeof member;
interface Identified {
  readonly id: string;
}

/** The variables of a login, as a user sets them. */
export function environmentOf({ username, password, project }: Account = member): Record<string, string> {
  return {
    OS_AUTH_URL: authUrl,
    OS_USERNAME: username,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: project,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: region,
  };
}

/** Our client, as it is tested. */
export function client(environment: Record<string, string> = environmentOf()): CloudClient {
  return cloudClient(cloudOf(environment, { home: '/nonexistent', folder: '/nonexistent' }), {
    log: silentLogger,
  });
}

/** A login that asks the servers without any of our code. */
export class Api {
  readonly token: string;
  readonly projectId: string;
  readonly userId: string;

  private constructor(token: string, projectId: string, userId: string) {
    this.token = token;
    this.projectId = projectId;
    this.userId = userId;
  }

  static async of({ username: name, password, project }: Account = member): Promise<Api> {
    const domain = { id: 'default' };
    const identity = { methods: ['password'], password: { user: { name, domain, password } } };
    const answer = await fetch(`${authUrl}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity, scope: { project: { name: project, domain } } } }),
    });
    const { token } = (await answer.json()) as { token: { project: Identified; user: Identified } };
    return new Api(answer.headers.get('x-subject-token') ?? '', token.project.id, token.user.id);
  }

  async ask<T>(method: string, url: string, body?: unknown): Promise<T> {
    const answer = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': this.token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url} was answered with ${answer.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Makes an object of Neutron: `make('network', { name: 'pods' })`. */
  async make<T extends Identified>(kind: string, fields: Readonly<Record<string, unknown>>): Promise<T> {
    // The field of a body has no hyphen.
    const field = kind.replaceAll('-', '_');
    const answer = await this.ask<Record<string, T>>('POST', `${neutronUrl}/${kind}s`, { [field]: fields });
    const made = answer[field];
    if (made === undefined) throw new Error(`Neutron made no ${kind}`);
    return made;
  }

  neutron<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.ask(method, `${neutronUrl}${path}`, body);
  }

  nova<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.ask(method, `${novaUrl}${path}`, body);
  }

  keystone<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.ask(method, `${authUrl}${path}`, body);
  }

  /** A VM with a port, and its port's id. Resolves when Nova says that it is active. */
  async makeServer(name: string, portId: string): Promise<string> {
    const fields = { name, flavorRef: flavorId, imageRef: imageId, networks: [{ port: portId }] };
    const { server } = await this.ask<{ server: Identified }>('POST', `${novaUrl}/servers`, {
      server: fields,
    });
    for (const end = performance.now() + 60_000; ; ) {
      const read = await this.ask<{ server: { status: string } }>('GET', `${novaUrl}/servers/${server.id}`);
      if (read.server.status === 'ACTIVE') return server.id;
      if (read.server.status === 'ERROR' || performance.now() > end)
        throw new Error(`server ${name} is ${read.server.status}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export interface PortObject extends Identified {
  readonly mac_address: string;
  readonly revision_number: number;
  readonly description: string;
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
  readonly security_groups: readonly string[];
}

/** A network with one subnet of prefix length 24. Neutron chooses addresses below .200; tests can choose the others. */
export async function makeNetwork(
  api: Api,
  name: string,
  cidr: string,
): Promise<{ readonly networkId: string; readonly subnetId: string }> {
  const network = await api.make('network', { name });
  const prefix = cidr.replace(/0\/24$/, '');
  const allocation_pools = [{ start: `${prefix}2`, end: `${prefix}199` }];
  const subnet = await api.make('subnet', { network_id: network.id, cidr, ip_version: 4, allocation_pools });
  return { networkId: network.id, subnetId: subnet.id };
}

/** Answers as the metadata service does to one VM: adds what Neutron's metadata agent adds to a request. */
export async function metadataFor(
  serverId: string,
  projectId: string,
): Promise<{ url: URL; server: Server }> {
  const signature = createHmac('sha256', metadataSecret).update(serverId).digest('hex');
  const headers = {
    'x-instance-id': serverId,
    'x-tenant-id': projectId,
    'x-forwarded-for': '10.0.0.1',
    'x-instance-id-signature': signature,
  };
  const forward = async (path: string, response: ServerResponse) => {
    const answer = await fetch(`http://${cloudAddress}:${ports.metadata}${path}`, { headers });
    response.writeHead(answer.status).end(await answer.text());
  };
  const server = createServer((request, response) => void forward(request.url ?? '', response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}`), server };
}
