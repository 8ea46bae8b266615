// The running labs of this machine, found through /proc: a lab leaves no file outside of its own mounts.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMeanName, OrbError } from '#base';
import { LAB_FOLDER } from './mounts.ts';
import { type PodRecord, podRecordsIn, readPodRecords } from './pod-record.ts';
import { machineNetns } from './topology.ts';

/** A lab, seen from outside. */
export interface RunningLab {
  /** Its process 1, as this machine numbers it. */
  readonly pid: number;
  readonly kubeconfig: string;
  readonly nodes: readonly string[];
  readonly pods: readonly PodRecord[];
}

/** A path inside the mounts of a process. */
export function pathInside(pid: number | string, path: string): string {
  return `/proc/${pid}/root${path}`;
}

/** The name of the file that identifies a lab; it lists the nodes. */
export const labFile = join(LAB_FOLDER, 'lab.json');
export const kubeconfigPath = join(LAB_FOLDER, 'kubeconfig');
/** The path of `orbctl`, inside the mounts of a lab. */
export const binFolder = join(LAB_FOLDER, 'bin');

/** Whether a process is the first of a pid namespace below ours. Then the last number of NSpid is 1 (proc_pid_status(5)). */
function isFirstOfNamespace(pid: string): boolean {
  try {
    return /^NSpid:\t\d+\t(.*\t)?1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // the process has ended in the meantime
  }
}

/** All labs, oldest process first. */
export function runningLabs(): RunningLab[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isFirstOfNamespace(name));
  return pids.flatMap((pid) => labOf(pid) ?? []);
}

/** Undefined if the process is not, or no longer, a lab. */
function labOf(pid: string): RunningLab | undefined {
  const file = pathInside(pid, labFile);
  try {
    return {
      pid: Number(pid),
      kubeconfig: pathInside(pid, kubeconfigPath),
      nodes: JSON.parse(readFileSync(file, 'utf8')) as string[],
      pods: readPodRecords(pathInside(pid, podRecordsIn(LAB_FOLDER))),
    };
  } catch (error) {
    if (existsSync(file)) throw error;
    return undefined;
  }
}

/**
 * The lab to which this kubeconfig belongs; undefined if it belongs to no lab. Throws LAB_NOT_RUNNING if its lab has ended, because the
 * user does not mean another lab.
 */
export function labOfKubeconfig(labs: readonly RunningLab[], path: string): RunningLab | undefined {
  const lab = labs.find(({ kubeconfig }) => kubeconfig === path);
  if (lab !== undefined || !/^\/proc\/\d+\/root\//.test(path) || !path.endsWith(kubeconfigPath)) return lab;
  const running = labs.map(({ kubeconfig }) => kubeconfig).join(' or ');
  const now = labs.length === 0 ? 'no lab runs now: unset it' : `unset it, or set it to ${running}`;
  throw new OrbError('LAB_NOT_RUNNING', {
    message: `KUBECONFIG=${path} belongs to a lab that has ended; ${now}`,
  });
}

/**
 * The user's name for a place of a lab: a pod (`NAME` or `NAMESPACE/NAME`), a node, `router`, `client` or `branch`. `pod/NAME` and
 * `node/NAME` are possible too.
 */
export interface PlaceName {
  readonly target: string;
  /** The namespace of a pod whose name is given without one. */
  readonly namespace?: string;
}

/** A command that runs in a place. */
export interface ExecCommand {
  readonly argv: readonly string[];
  /** The variables that make `orbctl` and `kubectl` work there. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The command that runs `argv` in a place; `path` is the PATH to extend. */
export function execCommand(
  labs: readonly RunningLab[],
  place: PlaceName,
  argv: readonly string[],
  path = '',
): ExecCommand {
  const { target } = place;
  const having = labs.filter((lab) => entryOf(lab, place) !== undefined);
  const [lab, ...others] = having;
  const entry = lab && entryOf(lab, place);
  if (lab === undefined || entry === undefined) throw unknownPlace(labs, place);
  if (others.length > 0) {
    const known = having.map(({ kubeconfig }) => kubeconfig).join(' or ');
    const message = `${target} is in ${having.length} labs: set KUBECONFIG to ${known}`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  const enter = ['nsenter', `--target=${lab.pid}`, '--mount', '--pid', '--wdns=/', '--', 'nsenter'];
  const environment = {
    PATH: `${binFolder}:${path}`,
    KUBECONFIG: kubeconfigPath,
    ...(lab.nodes.includes(nodeNamed(target)) && { NODE_NAME: nodeNamed(target) }),
  };
  return { argv: [...enter, ...entry, '--', ...argv], environment };
}

/** The namespaces of a place as options of `nsenter`; undefined if the lab has no place of that name. */
function entryOf({ pods, nodes }: RunningLab, { target, namespace }: PlaceName): string[] | undefined {
  const names = [target, target.replace(/^pod[:/]/, '')];
  const pod = pods.find(
    (each) =>
      names.includes(`${each.namespace}/${each.name}`) ||
      (names.includes(each.name) && (namespace === undefined || namespace === each.namespace)),
  );
  if (pod !== undefined) return [`--net=${pod.netns}`];
  const node = nodeNamed(target);
  if (nodes.includes(node)) return [`--net=/run/netns/${node}`, `--mount=${join(LAB_FOLDER, node, 'mnt')}`];
  return machineNetns.some((name) => name === target) ? [`--net=/run/netns/${target}`] : undefined;
}

function nodeNamed(target: string): string {
  return target.replace(/^node[:/]/, '');
}

/** The names of all places; pods come first, with their namespaces. */
export function placeNames(labs: readonly RunningLab[]): string[] {
  const pods = labs.flatMap((lab) => lab.pods.map(({ namespace, name }) => `${namespace}/${name}`));
  return [...new Set([...pods, ...labs.flatMap(({ nodes }) => [...nodes, ...machineNetns])])];
}

function unknownPlace(labs: readonly RunningLab[], { target, namespace }: PlaceName): OrbError {
  const known = placeNames(labs);
  const meant = didYouMeanName(target, known);
  const where = namespace === undefined ? 'in the lab' : `in namespace ${namespace} of the lab`;
  // The names of many pods would fill a screen.
  const [some, more] = [known.slice(0, 8).join(', '), known.length - 8];
  const message =
    labs.length === 0
      ? 'no lab is running'
      : `there is no ${target} ${where}${meant || `; there are ${some}${more > 0 ? ` and ${more} more` : ''}`}`;
  return new OrbError('LAB_NOT_RUNNING', { message });
}
