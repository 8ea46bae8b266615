// The labs that run on this machine, found through /proc: a lab leaves no file outside of its own mounts.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OrbError } from '#base';
import { labFolder } from './mounts.ts';
import { type PodRecord, podRecordsIn, readPodRecords } from './pod-record.ts';

/** A lab as seen from outside. */
export interface RunningLab {
  /** Its process 1, as this machine counts it. */
  readonly pid: number;
  readonly kubeconfig: string;
  readonly nodes: readonly string[];
  readonly pods: readonly PodRecord[];
}

/** A path inside the mounts of a process. */
export function pathInside(pid: number | string, path: string): string {
  return `/proc/${pid}/root${path}`;
}

/** Name of the file that tells a lab; it lists the nodes. */
export const labFile = join(labFolder, 'lab.json');
export const kubeconfigPath = join(labFolder, 'kubeconfig');

/** Whether a process is the first of a pid namespace below ours: the last number of NSpid is then 1 (proc_pid_status(5)). */
function isFirstOfNamespace(pid: string): boolean {
  try {
    return /^NSpid:\t\d+\t(.*\t)?1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // it ended meanwhile
  }
}

/** All labs, oldest process first. */
export function runningLabs(): RunningLab[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isFirstOfNamespace(name));
  return pids.flatMap((pid) => labOf(pid) ?? []);
}

/** Undefined for what is no lab, or not any more. */
function labOf(pid: string): RunningLab | undefined {
  const file = pathInside(pid, labFile);
  try {
    return {
      pid: Number(pid),
      kubeconfig: pathInside(pid, kubeconfigPath),
      nodes: JSON.parse(readFileSync(file, 'utf8')) as string[],
      pods: readPodRecords(pathInside(pid, podRecordsIn(labFolder))),
    };
  } catch (error) {
    if (existsSync(file)) throw error;
    return undefined;
  }
}

/** The command that runs `argv` in a pod (`NAME` or `NAMESPACE/NAME`), on a node, in `router` or in `client`. */
export function execCommand(labs: readonly RunningLab[], target: string, argv: readonly string[]): string[] {
  for (const lab of labs) {
    const enter = [
      'nsenter',
      `--target=${lab.pid}`,
      '--mount',
      '--pid',

      '--wdns=/',
      '--',
      'nsenter',
    ];
    const pod = lab.pods.find(({ namespace, name }) => target === name || target === `${namespace}/${name}`);
    if (pod !== undefined) return [...enter, `--net=${pod.netns}`, '--', ...argv];
    if (lab.nodes.includes(target)) {
      return [
        ...enter,
        `--net=/run/netns/${target}`,
        `--mount=${join(labFolder, target, 'mnt')}`,
        '--',
        ...argv,
      ];
    }
    if (target === 'router' || target === 'client')
      return [...enter, `--net=/run/netns/${target}`, '--', ...argv];
  }
  const pods = labs.flatMap((lab) => lab.pods.map(({ namespace, name }) => `${namespace}/${name}`));
  const known = [...pods, ...labs.flatMap(({ nodes }) => [...nodes, 'router', 'client'])];
  const message =
    labs.length === 0
      ? 'no lab is running'
      : `there is no ${target} in the lab; there are ${known.join(', ')}`;
  throw new OrbError('LAB_NOT_RUNNING', { message });
}
