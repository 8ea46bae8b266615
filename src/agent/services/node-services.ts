// Services of one node: for its sockets and for its packets. Both look at the same watches.

import type { Logger } from '#base';
import { endPacketMode, type PacketModeParts, packetServices } from './packet-mode.ts';
import { endServiceMode, type ServiceModeParts, serviceSwitch } from './service-mode.ts';
import type { ServiceSwitch } from './service-switch.ts';
import { type ServiceViewOptions, ServiceWatch } from './service-view.ts';

export interface NodeServicesParts
  extends ServiceViewOptions,
    Omit<ServiceModeParts, 'watch' | 'tell' | 'metrics'>,
    Omit<PacketModeParts, 'watch' | 'tell' | 'failed'> {
  readonly metrics: ServiceModeParts['metrics'] & { packetServicesFailed(): void };
  /** Tells the user on the node's object. */
  readonly tell: (reason: 'SocketServicesOff' | 'PacketServicesOff', message: string) => void;
}

export class NodeServices {
  readonly sockets: ServiceSwitch;
  readonly packets: ReturnType<typeof packetServices>;

  constructor(parts: NodeServicesParts) {
    const { metrics, tell } = parts;
    const watch = new ServiceWatch(parts);
    this.sockets = serviceSwitch({ ...parts, watch, tell: (message) => tell('SocketServicesOff', message) });
    this.packets = packetServices({
      ...parts,
      watch,
      failed: () => metrics.packetServicesFailed(),
      tell: (message) => tell('PacketServicesOff', message),
    });
  }

  nodeChanged(): void {
    this.sockets.nodeChanged();
    this.packets.nodeChanged();
  }

  /** The SpiderCoordinator has changed: its mode, or the networks of the cluster. */
  settingsChanged(): void {
    this.sockets.settingsChanged();
    this.packets.nodeChanged();
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.sockets.run(signal), this.packets.run(signal)]);
  }
}

/** Takes away what agents of this node have left for Services. */
export async function endNodeServices(stateDirectory: string, log: Logger): Promise<void> {
  await endServiceMode(stateDirectory, log);
  await endPacketMode(stateDirectory, log);
}
