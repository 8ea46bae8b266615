// A client of one cloud: its session, and its services.

import { type Clock, type Logger, systemClock } from '#base';
import { Connections } from '#http';
import type { CloudConfig } from './cloud-config.ts';
import { Neutron } from './neutron.ts';
import { Nova } from './nova.ts';
import { Session } from './session.ts';

export interface CloudClient {
  readonly session: Session;
  readonly neutron: Neutron;
  readonly nova: Nova;
  readonly connections: Connections;
  close(): void;
}

/** It sends nothing before the first call. */
export function cloudClient(
  config: CloudConfig,
  { log, clock = systemClock }: { readonly log: Logger; readonly clock?: Clock },
): CloudClient {
  const connections = new Connections(config.tls);
  const session = new Session(config, connections, clock);
  const parts = { session, connections, clock, log };
  return {
    session,
    neutron: new Neutron(parts),
    nova: new Nova(parts),
    connections,
    close: () => connections.close(),
  };
}
