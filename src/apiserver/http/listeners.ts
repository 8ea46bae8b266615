// The HTTP servers of the API, and their end.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from '#program';

/** Where to listen: an address, or a descriptor that already listens, e.g. in another network namespace. */
export type ListenAt = ({ readonly host: string; readonly port: number } | { readonly fd: number }) & {
  /** Uses TLS with this certificate. kubectl sends its token over TLS only. */
  readonly tls?: Certificate;
};

const timeouts = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 75_000 };

export class Listeners {
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #servers: Server[] = [];
  /** One for each request that is not answered yet. */
  readonly #answers = new Set<Promise<void>>();
  #isClosing = false;

  constructor(serve: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#serve = serve;
  }

  /** Listens in one more place. Returns the port, or 0 for a descriptor. */
  async listen({ tls, ...place }: ListenAt): Promise<number> {
    const accept = (request: IncomingMessage, response: ServerResponse) => this.#accept(request, response);
    const server =
      tls === undefined
        ? createServer(timeouts, accept)
        : createTlsServer({ ...timeouts, key: tls.key, cert: tls.certificate }, accept);
    this.#servers.push(server);
    server.listen(place);
    await once(server, 'listening');
    const address = server.address() as AddressInfo | string | null;
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  #accept(request: IncomingMessage, response: ServerResponse): void {
    if (this.#isClosing) response.setHeader('connection', 'close');
    const answered = new Promise<void>((resolve) => response.once('close', resolve));
    this.#answers.add(answered);
    void answered.then(() => this.#answers.delete(answered));
    this.#serve(request, response);
  }

  /**
   * Accepts no connection any more, and answers the running requests. Then it closes all connections: Node waits for those that
   * have sent no request yet, and for those that stay open after an answer.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    while (this.#answers.size > 0) await Promise.all(this.#answers);
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
  }
}
