// A front of the real servers, as a cloud's load balancer is one: it counts the requests, may speak TLS, and may do another
// thing with a request than pass it on.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { environmentOf } from './scene.ts';
import { cloudAddress, type member, ports } from './servers/place.ts';

const fronted = ['keystone', 'neutron', 'nova'] as const;

export interface Asked {
  readonly server: (typeof fronted)[number];
  readonly method: string;
  readonly path: string;
}

/** A page, as a proxy in front of a dead server writes it, or a refusal. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `before`: the server never hears of the request. `after`: the server does it, and its answer is lost. */
export interface Fault {
  readonly when: 'before' | 'after';
  readonly what: 'reset' | 'hang' | Answer;
}

export interface FrontOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
}

type Passed = Answer & { readonly headers: Readonly<Record<string, string>> };

export class Front {
  /** All requests since the start, or since somebody emptied it. */
  readonly asked: Asked[] = [];
  /** Undefined: the request is passed on. */
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  readonly #listeners: Server[] = [];
  readonly #urls = new Map<Asked['server'], string>();
  /** Those that hang. */
  readonly #held = new Set<ServerResponse>();

  static async start({ tls }: FrontOptions = {}): Promise<Front> {
    const front = new Front();
    const scheme = tls === undefined ? 'http' : 'https';
    for (const server of fronted) {
      const obey: RequestListener = (request, response) => void front.#serve(server, request, response);
      const listener = tls === undefined ? createServer(obey) : createSecureServer(tls, obey);
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      front.#listeners.push(listener);
      const { port } = listener.address() as AddressInfo;
      front.#urls.set(server, `${scheme}://127.0.0.1:${port}`);
    }
    return front;
  }

  /** The variables of a login by way of this front. */
  environment(account?: typeof member): Record<string, string> {
    return { ...environmentOf(account), OS_AUTH_URL: `${this.#urls.get('keystone')}/v3` };
  }

  /** The requests of one method to Neutron. */
  count(method: string): number {
    return this.asked.filter((one) => one.server === 'neutron' && one.method === method).length;
  }

  /** Closes the connections of all whose request hangs. */
  hangUp(): void {
    for (const response of this.#held) response.destroy();
    this.#held.clear();
  }

  close(): void {
    this.hangUp();
    for (const listener of this.#listeners) listener.close();
  }

  async #serve(server: Asked['server'], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = { server, method: request.method ?? '', path: request.url ?? '' };
    this.asked.push(asked);
    const fault = this.fault(asked);
    const body = await bodyOf(request);
    try {
      if (fault?.when === 'before') this.#fail(fault, response);
      else {
        const passed = await this.#pass(server, request, body);
        if (fault === undefined) send(response, passed);
        else this.#fail(fault, response);
      }
    } catch {
      response.destroy();
    }
  }

  #fail({ what }: Fault, response: ServerResponse): void {
    if (what === 'reset') response.destroy();
    else if (what === 'hang') this.#held.add(response);
    else send(response, what);
  }

  async #pass(
    server: Asked['server'],
    { method, url, headers }: IncomingMessage,
    body: Buffer,
  ): Promise<Passed> {
    const { host: _host, connection: _connection, 'content-length': _length, ...kept } = headers;
    const answer = await fetch(`http://${cloudAddress}:${ports[server]}${url}`, {
      method: method ?? 'GET',
      headers: kept as Record<string, string>,
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
    let text = await answer.text();
    for (const [one, url] of this.#urls) text = text.replaceAll(`http://${cloudAddress}:${ports[one]}`, url);
    const passed = ['content-type', 'x-subject-token', 'x-openstack-request-id', 'retry-after'];
    const entries = passed.flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { status: answer.status, body: text, headers: Object.fromEntries(entries) };
  }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  if (status === 204) response.writeHead(status).end();
  else response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
