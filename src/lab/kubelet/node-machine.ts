// The hardware and software of a node's machine, as its kubelet reports it. All nodes of a lab share one machine.

import { createHash } from 'node:crypto';
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, release, totalmem } from 'node:os';
import type { Node } from '#api';

type Machine = Required<Pick<NonNullable<Node['status']>, 'allocatable' | 'capacity' | 'nodeInfo'>>;

/** The version of the API that the embedded server speaks. */
const VERSION = 'v1.34.0-orbweaver';

/** kubelet's default (maxPods). */
const MAXIMUM_PODS = '110';

/** Go's names for the architectures that Node.js names. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** Nothing is reserved for the system: allocatable equals capacity. Ids are derived from the node's name, so that nodes differ. */
export function machineOf(node: string): Machine {
  const { blocks, bsize } = statfsSync('/');
  const capacity = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor((blocks * bsize) / 1024)}Ki`,
    pods: MAXIMUM_PODS,
  };
  const id = createHash('sha256').update(`orbweaver lab ${node}`).digest('hex').slice(0, 32);
  return {
    capacity,
    allocatable: capacity,
    nodeInfo: {
      machineID: id,
      systemUUID: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      bootID: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      kernelVersion: release(),
      osImage: systemName(),
      containerRuntimeVersion: `lab://${VERSION.slice(1)}`,
      kubeletVersion: VERSION,
      kubeProxyVersion: VERSION,
      operatingSystem: 'linux',
      architecture,
    },
  };
}

/** PRETTY_NAME of os-release(5). */
function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux'; // the file is optional
  }
}
