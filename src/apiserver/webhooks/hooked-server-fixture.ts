// For tests of admission: an API server, and an HTTPS server beside it that plays its webhooks.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-assignment */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '#base';
import { parseNetwork } from '#ip';
import { newKey, selfSigned } from '#program';
import { ApiServer } from '../server.ts';

/** Bodies are untyped on purpose: their form is what is tested. */
export type Body = ReturnType<typeof JSON.parse>;

/** What a webhook adds to its answer; undefined if it never answers. `url` is the request's path and query. */
export type HookReply = (request: Body, url: string) => object | undefined;

export class HookedServer {
  readonly caBundle: string;
  readonly #hook: Server;
  readonly #server: ApiServer;
  readonly #folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
  #port = 0;

  constructor(reply: HookReply) {
    const key = newKey();
    const { certificate } = selfSigned(key, ['127.0.0.1', 'hook.default.svc'], systemClock.now());
    this.caBundle = Buffer.from(certificate).toString('base64');
    this.#hook = createServer({ key, cert: certificate }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { request: about } = JSON.parse(Buffer.concat(chunks).toString());
        const said = reply(about, request.url ?? '');
        if (said === undefined) return;
        const review = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' };
        response.end(JSON.stringify({ ...review, response: { uid: about.uid, ...said } }));
      });
    });
    this.#server = new ApiServer({
      dataDirectory: this.#folder,
      token: 'secret',
      services: { clusterCidrs: [parseNetwork('10.96.0.0/16')], nodePorts: { first: 30_000, last: 30_010 } },
      clock: systemClock,
      logger: silentLogger,
      onDiskFailure: (error) => {
        throw error;
      },
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#hook.listen(0, '127.0.0.1', resolve));
    await this.#server.start();
    this.#port = await this.#server.listen({ host: '127.0.0.1', port: 0 });
  }

  async stop(): Promise<void> {
    this.#hook.closeAllConnections();
    this.#hook.close();
    await this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The address of the API server. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The port of the webhooks' server. */
  get hookPort(): number {
    return (this.#hook.address() as AddressInfo).port;
  }

  /** One request of the administrator to the API server; a text is sent as it is. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    type = 'application/json',
  ): Promise<{ code: number; body: Body; warning: string | null }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: 'Bearer secret', 'content-type': type },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { code: response.status, body: await response.json(), warning: response.headers.get('warning') };
  }
}
