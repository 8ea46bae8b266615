// The setting `serviceMode`: serves Services in socket calls, or takes away the programs that an earlier agent has left.

import { join } from 'node:path';
import type { AgentConfig, Node } from '#api';
import { isOrbError, type Logger } from '#base';
import { netnsCookie, openGivenNetns, readRecord, removeDurably, writeRecord } from '#kernel';
import { removeSocketBalancer, SocketBalancer } from '#kernel/bpf';
import { errnoOf } from '#net';
import type { Attachments } from '#node';
import { clientNode } from '#plan/service';
import { Canary } from './canary.ts';
import { ExemptPods, type ExemptPodsParts } from './exempt-pods.ts';
import { ServiceView, type ServiceViewOptions } from './service-view.ts';
import { SocketServices, type SocketServicesParts } from './socket-services.ts';

export interface ServiceModeParts
  extends ServiceViewOptions,
    Pick<ExemptPodsParts, 'pods'>,
    Pick<SocketServicesParts, 'tell'> {
  readonly config: AgentConfig;
  readonly nodeName: string;
  /** The node's own object. */
  readonly node: () => Node | undefined;
  readonly attachments: Attachments;
  readonly metrics: { socketServicesFailed(): void; socketsEnded(count: number): void };
}

/** What serves Services in socket calls; undefined where kube-proxy alone serves them. */
export async function startServiceMode(parts: ServiceModeParts): Promise<SocketServices | undefined> {
  const { serviceMode, serviceCgroup, serviceBpfFolder, serviceExternalIPs, stateDirectory } =
    parts.config.orbweaver;
  const wanted = serviceMode === 'ebpf' ? serviceBpfFolder : undefined;
  try {
    await clearOther(stateDirectory, wanted, parts.log);
  } catch (error) {
    parts.log.error({ err: error }, 'cannot take away programs that served Services in socket calls');
  }
  if (wanted === undefined) return undefined;
  const { metrics, nodeName } = parts;
  const exempt = new ExemptPods({ ...parts, cookieOf });
  const services = new SocketServices({
    ...parts,
    view: new ServiceView(parts),
    here: () => clientNode(nodeName, parts.node(), { usesExternalIps: serviceExternalIPs }),
    open: async () => {
      await writeRecord(recordIn(stateDirectory), wanted);
      return SocketBalancer.open({ cgroup: serviceCgroup, pins: wanted });
    },
    prove: () => Canary.start(),
    exempt: () => exempt.cookies(),
    failed: () => metrics.socketServicesFailed(),
    ended: (count) => metrics.socketsEnded(count),
  });
  parts.attachments.listeners.add(() => services.nodeChanged());
  return services;
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
