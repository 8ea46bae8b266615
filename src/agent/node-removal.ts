// Removes from the node what the agent keeps on it, for an uninstallation. It does not look at pods: `orbctl uninstall` has.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { BackOff, type Clock, errorText, type Logger } from '#base';
import { openNamespace, primeThreads } from '#kernel';
import type { NetworkNamespace } from '#net';
import { type NodeFiles, undoHost } from '#node';
import { type CloudConfig, ownNic } from '#openstack';
import { clearNics } from '#openstack/own-nics';
import { clearLedgers, knownNics } from '#openstack/own-port';
import { serveHealth } from '#program';
import type { Agent } from './agent.ts';
import { NodeCloud } from './node-cloud.ts';
import { endNodeServices } from './services/index.ts';

export interface NodeRemovalOptions {
  readonly files: Pick<NodeFiles, 'remove'>;
  /** As in the agent's configuration. */
  readonly stateDirectory: string;
  readonly socketPath: string;
  /** TCP port where readiness says that all is removed. 0 picks a free port; undefined serves nothing. */
  readonly healthPort: number | undefined;
  /** The login of OpenStack. Throws OPENSTACK_CONFIG_INVALID. It is only called where pods had addresses of ports, or NICs. */
  readonly cloud: () => CloudConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Removes everything, again until it succeeds. Then it waits to be stopped, so that its pod stays ready. */
export async function startNodeRemoval(options: NodeRemovalOptions): Promise<Agent> {
  await primeThreads();
  const { healthPort, clock, log } = options;
  let problem: string | undefined = 'the node is not cleared yet';
  const health =
    healthPort === undefined ? undefined : await serveHealth(healthPort, new Registry(), () => problem);
  const leaving = new AbortController();
  const work = async () => {
    const backOff = new BackOff({ firstMs: 500, maximumMs: 30_000 });
    while (!leaving.signal.aborted) {
      try {
        await clearNode(options);
        problem = undefined;
        log.info({}, 'the node has nothing of the agent any more');
        return;
      } catch (error) {
        problem = `the node is not cleared: ${errorText(error)}`;
        log.error({ err: error }, problem);
      }
      await clock.sleep(backOff.next(), leaving.signal).catch(() => {}); // it is stopped
    }
  };
  const working = work();
  return {
    async stop() {
      leaving.abort();
      await working;
      health?.close();
    },
  };
}

async function clearNode(options: NodeRemovalOptions): Promise<void> {
  const { files, stateDirectory, socketPath, log } = options;
  for (const { path, isBack } of await files.remove()) {
    log.info({ path }, isBack ? 'the file of another program is back' : 'removed a file of ours');
  }
  await endNodeServices(stateDirectory, log);
  const node = openNamespace('current');
  try {
    undoHost(node);
    // Only the ledgers know what is ours.
    await clearCloud(node, join(stateDirectory, 'openstack'), options);
  } finally {
    node.close();
  }
  // The folders themselves are mounted, and may belong to the distribution.
  const folders = ['attachments', 'del-queue', 'openstack'].map((name) => join(stateDirectory, name));
  for (const path of [...folders, socketPath]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** A failure of one kind of ledger does not stop the other. */
async function clearCloud(
  node: NetworkNamespace,
  folder: string,
  options: NodeRemovalOptions,
): Promise<void> {
  const cloud = new NodeCloud({ ...options, folder, providerId: () => undefined });
  const client = () => cloud.login().client;
  const serverId = () => serverOf(node, folder, cloud);
  try {
    const cleared = await Promise.allSettled([
      clearLedgers(folder, { ...options, neutron: () => client().neutron }),
      clearNics(folder, { ...options, cloud: client, serverId }),
    ]);
    const failed = cleared.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    cloud.close();
  }
}

/** The server that this node is, by a NIC that was found to be a port. */
async function serverOf(node: NetworkNamespace, folder: string, cloud: NodeCloud): Promise<string> {
  const name = knownNics(folder).find((nic) => node.link(nic) !== undefined);
  return (await cloud.identityOf(ownNic(node, name))).serverId;
}
