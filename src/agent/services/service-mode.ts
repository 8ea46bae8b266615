// The setting `serviceMode`: serves Services in socket calls, or takes away the programs that an earlier agent has left.

import { join } from 'node:path';
import type { AgentConfig, Node, SpiderCoordinator } from '#api';
import { isOrbError, type Logger } from '#base';
import { keepRecord, netnsCookie, openGivenNetns, readRecord, removeDurably } from '#kernel';
import { removeSocketBalancer, SocketBalancer } from '#kernel/bpf';
import { errnoOf } from '#net';
import type { Attachments } from '#node';
import { clientNode } from '#plan/service';
import { Canary } from './canary.ts';
import { ExemptPods, type ExemptPodsParts } from './exempt-pods.ts';
import { ServiceSwitch } from './service-switch.ts';
import { ServiceView, type ServiceViewOptions, type ServiceWatch } from './service-view.ts';
import { SocketServices, type SocketServicesParts } from './socket-services.ts';

export interface ServiceModeParts
  extends Pick<ServiceViewOptions, 'clock' | 'log'>,
    Pick<ExemptPodsParts, 'pods'>,
    Pick<SocketServicesParts, 'tell'> {
  readonly config: AgentConfig;
  readonly watch: ServiceWatch;
  readonly nodeName: string;
  /** The cluster's settings. */
  readonly coordinator: () => SpiderCoordinator | undefined;
  /** The node's own object. */
  readonly node: () => Node | undefined;
  readonly attachments: Attachments;
  readonly metrics: { socketServicesFailed(): void; socketsEnded(count: number): void };
}

/** Serves Services in socket calls where the SpiderCoordinator says so, or else the agent's configuration. */
export function serviceSwitch(parts: ServiceModeParts): ServiceSwitch {
  const { config, coordinator, log } = parts;
  const { serviceMode, serviceBpfFolder, stateDirectory } = config.orbweaver;
  const mode = () => coordinator()?.spec?.serviceMode ?? serviceMode;
  const serving = new ServiceSwitch({
    mode,
    start: (tell) => socketServices({ ...parts, tell }),
    tell: parts.tell,
    clear: (isStarting) => clearOther(stateDirectory, isStarting ? serviceBpfFolder : undefined, log),
    clock: parts.clock,
    log,
  });
  parts.attachments.listeners.add(() => serving.nodeChanged());
  return serving;
}

function socketServices(parts: ServiceModeParts): SocketServices {
  const { metrics, nodeName } = parts;
  const { serviceCgroup, serviceBpfFolder, serviceExternalIPs, stateDirectory } = parts.config.orbweaver;
  const exempt = new ExemptPods({ ...parts, cookieOf });
  return new SocketServices({
    ...parts,
    view: new ServiceView(parts.watch),
    here: () => clientNode(nodeName, parts.node(), { usesExternalIps: serviceExternalIPs }),
    open: async () => {
      await keepRecord(recordIn(stateDirectory), serviceBpfFolder);
      return SocketBalancer.open({ cgroup: serviceCgroup, pins: serviceBpfFolder });
    },
    prove: () => Canary.start(),
    exempt: () => exempt.cookies(),
    failed: () => metrics.socketServicesFailed(),
    ended: (count) => metrics.socketsEnded(count),
  });
}

async function cookieOf(path: string, inode: number | undefined): Promise<bigint | undefined> {
  try {
    using netns = await openGivenNetns(path);
    // The path may be that of a later namespace.
    return inode === undefined || netns.id.endsWith(`:${inode}`) ? netnsCookie(netns) : undefined;
  } catch (error) {
    if (isOrbError(error, 'NETNS_INVALID') || errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes away the programs that an agent of this node has left. Throws INPUT_INVALID where their folder is not to be seen. */
export async function endServiceMode(stateDirectory: string, log: Logger): Promise<void> {
  await clearOther(stateDirectory, undefined, log);
}

const recordIn = (stateDirectory: string) => join(stateDirectory, 'service-bpf-folder.json');

/** Only a folder that an agent of this node has used is cleared: the record tells. */
async function clearOther(stateDirectory: string, wanted: string | undefined, log: Logger): Promise<void> {
  const record = recordIn(stateDirectory);
  const used = await readRecord(record);
  if (typeof used !== 'string' || used === wanted) return;
  removeSocketBalancer(used);
  await removeDurably(record);
  log.info({ folder: used }, 'took away the programs that served Services in socket calls');
}
