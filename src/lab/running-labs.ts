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
  const having = labs.filter((lab) => entryOf(lab, target) !== undefined);
  const [lab, ...others] = having;
  const entry = lab && entryOf(lab, target);
  if (lab === undefined || entry === undefined) throw unknownPlace(labs, target);
  if (others.length > 0) {
    const known = having.map(({ kubeconfig }) => kubeconfig).join(' or ');
    const message = `${target} is in ${having.length} labs: set KUBECONFIG to ${known}`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  const enter = ['nsenter', `--target=${lab.pid}`, '--mount', '--pid', '--wdns=/', '--', 'nsenter'];
  return [...enter, ...entry, '--', ...argv];
}

/** The namespaces of a place as `nsenter` is told them; undefined where the lab has none of that name. */
function entryOf({ pods, nodes }: RunningLab, target: string): string[] | undefined {
  const pod = pods.find(({ namespace, name }) => target === name || target === `${namespace}/${name}`);
  if (pod !== undefined) return [`--net=${pod.netns}`];
  const netns = `--net=/run/netns/${target}`;
  if (nodes.includes(target)) return [netns, `--mount=${join(labFolder, target, 'mnt')}`];
  return target === 'router' || target === 'client' ? [netns] : undefined;
}

function unknownPlace(labs: readonly RunningLab[], target: string): OrbError {
  const pods = labs.flatMap((lab) => lab.pods.map(({ namespace, name }) => `${namespace}/${name}`));
  const known = [...pods, ...labs.flatMap(({ nodes }) => [...nodes, 'router', 'client'])];
  const message =
    labs.length === 0
      ? 'no lab is running'
      : `there is no ${target} in the lab; there are ${known.join(', ')}`;
  return new OrbError('LAB_NOT_RUNNING', { message });
}
