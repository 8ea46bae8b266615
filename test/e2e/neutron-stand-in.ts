// A stand-in for Keystone and Neutron with one port, for kernels on which the real servers cannot run. What the real ones
// do is decided in test/openstack.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

const port = {
  id: 'port-1',
  project_id: 'project-1',
  network_id: 'network-1',
  device_id: 'server-1',
  device_owner: 'compute:nova',
  security_groups: [],
};

const subnet = {
  id: 'subnet-1',
  network_id: port.network_id,
  cidr: '10.6.0.0/16',
  ip_version: 4,
  gateway_ip: '10.6.0.1',
  ipv6_address_mode: null,
  dns_nameservers: ['10.6.0.53'],
};

interface FixedIp {
  readonly subnet_id: string;
  readonly ip_address?: string;
}

export class NeutronStandIn {
  readonly networkId = port.network_id;
  /** Addresses of the port. */
  addresses: string[];
  readonly #server: Server;
  readonly #mac: string;
  #description = '';
  #revision = 1;
  #next = 0;

  private constructor(mac: string, address: string) {
    this.#mac = mac;
    this.addresses = [address];
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** A VM whose NIC has this MAC address, and this address on its port. */
  static async start(mac: string, address: string): Promise<NeutronStandIn> {
    const standIn = new NeutronStandIn(mac, address);
    await once(standIn.#server.listen(0, '127.0.0.1'), 'listening');
    return standIn;
  }

  /** The variables of a login. */
  get environment(): Record<string, string> {
    return {
      OS_AUTH_URL: `${this.#url}/v3`,
      OS_USERNAME: 'cni',
      OS_PASSWORD: 'secret',
      OS_PROJECT_NAME: 'k8s',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
    };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  get #port() {
    return {
      ...port,
      mac_address: this.#mac,
      status: 'ACTIVE',
      fixed_ips: this.addresses.map((ip_address) => ({ subnet_id: subnet.id, ip_address })),
      name: '',
      description: this.#description,
      revision_number: this.#revision,
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers = {} } = this.#answer(request, await bodyOf(request));
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  #answer({ method = '', url = '', headers }: IncomingMessage, body: string): Answer {
    const { pathname } = new URL(url, this.#url);
    switch (`${method} ${pathname}`) {
      case 'POST /v3/auth/tokens':
        return { status: 201, body: { token: this.#token }, headers: { 'x-subject-token': 'token' } };
      case 'GET /v2.0/ports':
        return { status: 200, body: { ports: [this.#port] } };
      case `GET /v2.0/ports/${port.id}`:
        return { status: 200, body: { port: this.#port } };
      case `PUT /v2.0/ports/${port.id}`:
        return this.#change(headers['if-match'], body);
      case `GET /v2.0/subnets/${subnet.id}`:
        return { status: 200, body: { subnet } };
      case 'GET /v2.0/floatingips':
        return { status: 200, body: { floatingips: [] } };
      default:
        return {
          status: 404,
          body: { NeutronError: { type: 'HTTPNotFound', message: pathname, detail: '' } },
        };
    }
  }

  get #token() {
    const endpoints = [{ interface: 'public', region: 'RegionOne', url: this.#url }];
    return {
      issued_at: '2030-01-01T00:00:00.000000Z',
      expires_at: '2030-01-01T01:00:00.000000Z',
      project: { id: port.project_id },
      roles: [{ name: 'member' }],
      catalog: [{ type: 'network', endpoints }],
    };
  }

  #change(condition: string | undefined, body: string): Answer {
    if (condition !== undefined && condition !== `revision_number=${this.#revision}`) {
      const message = `Constrained to ${condition}, but current revision is ${this.#revision}`;
      return {
        status: 412,
        body: { NeutronError: { type: 'RevisionNumberConstraintFailed', message, detail: '' } },
      };
    }
    const change = (JSON.parse(body) as { port: { fixed_ips?: FixedIp[]; description?: string } }).port;
    this.#description = change.description ?? this.#description;
    this.addresses = change.fixed_ips?.map((one) => one.ip_address ?? this.#free()) ?? this.addresses;
    this.#revision++;
    return { status: 200, body: { port: this.#port } };
  }

  #free(): string {
    this.#next++;
    return `10.6.50.${this.#next}`;
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
