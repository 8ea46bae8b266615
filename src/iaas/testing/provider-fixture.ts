// A provider that serves the contract over HTTPS, and that fails where a test wants it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, silentLogger, systemClock } from '#base';
import { newKey, selfSigned } from '#program';
import { IaasProvider } from '../provider.ts';

export interface AskedRequest {
  readonly verb: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
}

/** Answers in place of the provider. False leaves the request to it. */
export type Fault = (request: AskedRequest, response: ServerResponse) => boolean;

interface Binding {
  readonly node: unknown;
  readonly parentNicMac: unknown;
  readonly podUid: unknown;
  readonly vlan: number;
}

interface AskedAddress {
  readonly ipAddress: string;
  readonly subnet: string;
  readonly parentNicMac: string;
}

export class FakeProvider {
  /** What came, in order. */
  readonly requests: AskedRequest[] = [];
  /** What is bound, by address. */
  readonly bound = new Map<string, Binding>();
  /** How many connections were made. */
  connections = 0;
  fault: Fault = () => false;
  /** Called with each request before its answer. */
  before: (request: AskedRequest) => Promise<void> = async () => {};
  readonly caFile: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'iaas-'));
  readonly #server: Server;
  readonly #clients: IaasProvider[] = [];

  /** `more` are options of the server, as a CA of clients. */
  constructor(more: object = {}) {
    const { key, certificate } = selfSigned(newKey(), ['127.0.0.1'], Date.now());
    this.caFile = this.file('ca.crt', certificate);
    this.#server = createServer({ key, cert: certificate, ...more }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const verb = (request.url ?? '').split('/').at(-1) ?? '';
        const body = JSON.parse(Buffer.concat(chunks).toString()) as AskedRequest['body'];
        void this.#answer({ verb, body, headers: request.headers }, response);
      });
    });
    this.#server.on('secureConnection', () => {
      this.connections += 1;
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Verbs and addresses of the requests: `allocate-ips 10.6.0.1`. */
  get asked(): string[] {
    return this.requests.map(({ verb, body }) => {
      const [first] = (body.iaasIPsAllocationRequest ?? []) as AskedAddress[];
      return `${verb} ${first?.ipAddress ?? String(body.ipAddress)}`;
    });
  }

  client(
    options: { timeoutMs?: number; tls?: object; serverUrl?: string; clock?: Clock } = {},
  ): IaasProvider {
    const { timeoutMs = 5_000, serverUrl = this.url, clock = systemClock } = options;
    const tls = { caFile: this.caFile, certFile: '', keyFile: '', ...options.tls };
    const client = new IaasProvider({ serverUrl, timeoutMs, tls, clock, log: silentLogger });
    this.#clients.push(client);
    return client;
  }

  /** Writes a file beside the provider's certificate, and resolves to its path. */
  file(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    return path;
  }

  close(): void {
    for (const client of this.#clients) client.close();
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }

  async #answer(request: AskedRequest, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    await this.before(request);
    if (this.fault(request, response)) return;
    if (request.verb === 'allocate-ips') return answerJson(response, this.#bind(request.body));
    this.bound.delete(String(request.body.ipAddress));
    answerJson(response, {});
  }

  #bind(body: AskedRequest['body']): object {
    const asked = body.iaasIPsAllocationRequest as AskedAddress[];
    const answers = asked.map(({ ipAddress, subnet, parentNicMac }) => {
      const vlan = this.bound.get(ipAddress)?.vlan ?? this.#freeVlan();
      this.bound.set(ipAddress, { node: body.nodeName, parentNicMac, podUid: body.podUID, vlan });
      return { ipAddress, subnet, parentNicMac, macAddress: macOf(ipAddress), vlanId: vlan };
    });
    const { podName, podNamespace, nodeName } = body;
    return { podName, podNamespace, nodeName, iaasIPsAllocationResponse: answers };
  }

  #freeVlan(): number {
    const taken = new Set([...this.bound.values()].map(({ vlan }) => vlan));
    let vlan = 100;
    while (taken.has(vlan)) vlan += 1;
    return vlan;
  }
}

/** The MAC address that the provider gives an address. */
export function macOf(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return `fa:16:${bytes.join(':')}`;
}

export function answerJson(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
