// The setting `kubeProxyReplacement`: serves Services to packets, or takes away the rules that an earlier agent has left.

import { join } from 'node:path';
import type { AgentConfig, Node, SpiderCoordinator } from '#api';
import type { Clock, Logger } from '#base';
import { keepRecord, readRecord, removeDurably, ServiceRules } from '#kernel';
import { clientNode } from '#plan/service';
import { insideNetworks, SERVICE_TABLE } from '#plan/service-rules';
import { PacketServices } from './packet-services.ts';
import { ServiceView, type ServiceWatch } from './service-view.ts';

export interface PacketModeParts {
  readonly config: AgentConfig;
  readonly watch: ServiceWatch;
  readonly nodeName: string;
  /** The node's own object. */
  readonly node: () => Node | undefined;
  /** The cluster's settings. */
  readonly coordinator: () => SpiderCoordinator | undefined;
  /** Counts a failure. */
  readonly failed: () => void;
  readonly tell: (message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Serves packets, if the setting says so. `run` goes on until its signal aborts. */
export function packetServices(
  parts: PacketModeParts,
): Pick<PacketServices, 'isOn' | 'size' | 'nodeChanged' | 'run'> {
  const { config, nodeName } = parts;
  const { kubeProxyReplacement, serviceExternalIPs, stateDirectory } = config.orbweaver;
  if (!kubeProxyReplacement) return off(() => endPacketMode(stateDirectory, parts.log), parts);
  return new PacketServices({
    ...parts,
    view: new ServiceView(parts.watch),
    here: () => clientNode(nodeName, parts.node(), { usesExternalIps: serviceExternalIPs }),
    inside: () => insideNetworks(parts.coordinator()),
    open: async () => {
      await keepRecord(recordIn(stateDirectory), SERVICE_TABLE);
      return new ServiceRules();
    },
  });
}

function off(clear: () => Promise<void>, { log, tell }: PacketModeParts) {
  return {
    isOn: false,
    size: 0,
    nodeChanged: () => {},
    run: async () => {
      try {
        await clear();
      } catch (error) {
        log.error({ err: error }, 'the rules of Services of an earlier agent cannot be removed');
        tell('the rules of Services that an earlier agent has left cannot be removed');
      }
    },
  };
}

const recordIn = (stateDirectory: string) => join(stateDirectory, 'service-table.json');

/** Removes the rules that an agent of this node has left. */
export async function endPacketMode(stateDirectory: string, log: Logger): Promise<void> {
  const record = recordIn(stateDirectory);
  if ((await readRecord(record)) !== SERVICE_TABLE) return;
  const rules = new ServiceRules();
  try {
    await rules.remove();
  } finally {
    rules.close();
  }
  await removeDurably(record);
  log.info({ table: SERVICE_TABLE }, 'removed the rules that served Services to packets');
}
