// Liveness, readiness and metrics over HTTP, at the paths that Spiderpool's manifests use.

import { createServer, type Server } from 'node:http';

/** The reason why the program is not ready; undefined when it is ready. */
export type Readiness = () => string | undefined;

/** Where the text of `/metrics` comes from, for example a registry of prom-client. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Serves `/v1/runtime/{startup,liveness,readiness}` and `/metrics` on the port. 0 picks a free port. */
export async function serveHealth(
  port: number,
  source: MetricsSource,
  readiness: Readiness,
): Promise<Server> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const path = request.url?.split('?')[0];
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type }).end(text);
    };
    if (request.method !== 'GET') return answer(405, 'GET only\n');
    switch (path) {
      case '/v1/runtime/liveness':
      case '/livez':
        return answer(200, 'ok\n');
      case '/v1/runtime/startup':
      case '/v1/runtime/readiness':
      case '/readyz': {
        const reason = readiness();
        return reason === undefined ? answer(200, 'ok\n') : answer(500, `${reason}\n`);
      }
      case '/metrics':
        source.metrics().then(
          (text) => answer(200, text, source.contentType),
          (error: unknown) => answer(500, `${String(error)}\n`),
        );
        return;
      default:
        return answer(404, 'not here\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return server;
}
