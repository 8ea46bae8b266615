// The kubelet as the lab starts it on each node: with the lab's paths, and a lab-probe server in every pod.

import { join } from 'node:path';
import type { Pod } from '#api';
import type { Clock, Logger } from '#base';
import { connect, kubeconfigFile } from '#kube';
import { commandsOf, defaultKubeletPaths, runKubelet } from './kubelet/index.ts';
import { LAB_FOLDER } from './mounts.ts';
import { podRecordsIn } from './pod-record.ts';
import { podPorts } from './trial/index.ts';

export interface LabKubeletParts {
  readonly node: string;
  readonly kubeconfig: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly environment: NodeJS.ProcessEnv;
  /** Folder of the built programs, lab-probe among them. */
  readonly programs: string;
}

/** Runs a node's kubelet. A pod gets a server on its ports if this machine has no command of the pod. */
export function runLabKubelet(parts: LabKubeletParts): Promise<{ stop(): Promise<void> }> {
  const { node, kubeconfig, clock, log, environment, programs } = parts;
  const serverOf = (pod: Pod): string[] => [
    join(programs, 'lab-probe'),
    'serve',
    ...podPorts(pod).map(String),
  ];
  return runKubelet({
    node: { name: node },
    client: connect(kubeconfigFile(kubeconfig), { log }),
    clock,
    log,
    environment,
    paths: { ...defaultKubeletPaths, podRecordFolder: podRecordsIn(LAB_FOLDER) },
    commandsOf: (pod) => {
      const own = commandsOf(pod, environment.PATH ?? '');
      return own.length > 0 ? own : [serverOf(pod)];
    },
  });
}
