// A server of a test in a folder of its own.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '#base';
import { parseNetwork } from '#ip';
import { ApiServer, type ApiServerOptions } from './server.ts';

/** What the server takes for the token of an administrator. */
export const token = 'secret';

export interface TestServer {
  readonly server: ApiServer;
  /** Starts it. Resolves with its port. */
  readonly start: () => Promise<number>;
  /** Ends it and removes its folder. */
  readonly stop: () => Promise<void>;
}

export function testServer(admission: NonNullable<ApiServerOptions['admission']>): TestServer {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'apiserver-'));
  const server = new ApiServer({
    ...{ dataDirectory, token, admission, clock: systemClock, logger: silentLogger },
    services: { clusterCidrs: [parseNetwork('10.96.0.0/16')], nodePorts: { first: 30_000, last: 30_010 } },
    onDiskFailure: (error) => assert.fail(error),
  });
  return {
    server,
    start: async () => {
      await server.start();
      return server.listen({ host: '127.0.0.1', port: 0 });
    },
    stop: async () => {
      await server.close();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}
