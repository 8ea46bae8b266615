// The ports of this node at which load balancers ask whether it has endpoints of a Service. kube-proxy's answers:
// 200 with at least one ready endpoint, 503 without, and where Services are not served (pkg/proxy/healthcheck).

import { createServer, type Server } from 'node:http';
import { errorText, type Logger } from '#base';
import type { HealthCheck } from '#plan/service-rules';

/** Load balancers ask briefly and often. */
const limits = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
/** Anybody outside may connect. The descriptors of the agent are for its pods. */
const MOST_CONNECTIONS = 256;

interface OpenPort {
  readonly server: Server;
  check: HealthCheck;
}

export class HealthCheckPorts {
  /** Whether the rules serve. If not, a load balancer should take another node. */
  isHealthy = true;
  readonly #log: Logger;
  readonly #open = new Map<number, OpenPort>();
  /** By port: why it cannot be opened, as the log said it. */
  readonly #refused = new Map<number, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Opens and closes ports, so that exactly these are answered. A port that another program has is tried at each call. */
  async serve(checks: readonly HealthCheck[]): Promise<void> {
    const wanted = new Map(checks.map((check) => [check.port, check]));
    for (const [port, open] of this.#open) {
      const check = wanted.get(port);
      if (check !== undefined) open.check = check;
      else {
        this.#open.delete(port);
        close(open.server);
      }
    }
    for (const port of this.#refused.keys()) if (!wanted.has(port)) this.#refused.delete(port);
    for (const [port, check] of wanted) if (!this.#open.has(port)) await this.#start(port, check);
  }

  async #start(port: number, check: HealthCheck): Promise<void> {
    const server = createServer(limits, (_, response) => {
      const { namespace, name, localEndpoints } = open.check;
      const { isHealthy } = this;
      response.writeHead(isHealthy && localEndpoints > 0 ? 200 : 503, {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(localEndpoints),
      });
      response.end(
        `${JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: isHealthy })}\n`,
      );
    });
    server.maxConnections = MOST_CONNECTIONS;
    const open: OpenPort = { server, check };
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, resolve);
      });
      server.on('error', (error) =>
        this.#log.warn({ err: error, port }, 'a health check of a load balancer failed'),
      );
      this.#open.set(port, open);
      this.#refused.delete(port);
    } catch (error) {
      const why = errorText(error);
      if (why === this.#refused.get(port)) return;
      this.#refused.set(port, why);
      const service = `${check.namespace}/${check.name}`;
      this.#log.warn(
        { service, port, problem: why },
        'the port for health checks of a Service cannot be opened',
      );
    }
  }

  close(): void {
    for (const { server } of this.#open.values()) close(server);
    this.#open.clear();
  }
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
