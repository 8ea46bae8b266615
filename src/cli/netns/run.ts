// The work of `orbctl netns`: which namespaces there are as text or JSON, and the command that enters one.

import { join } from 'node:path';
import { OrbError } from '#base';
import { type AttachmentRecord, readAttachments } from '#node';
import type { NetnsExecFlags, NetnsListFlags } from '../netns.ts';
import { linesText } from '../one-line.ts';
import { tableLines } from '../table.ts';
import {
  type ContainerNamespace,
  containerNamespaces,
  type KnownNic,
  pathOfPod,
} from './container-namespaces.ts';
import { allProcesses, netnsAt, processWith } from './processes.ts';

export async function runNetnsList(flags: NetnsListFlags): Promise<{ text: string; exitCode: 0 }> {
  const { namespace } = flags;
  const all = (await namespacesHere(flags.state)).filter(
    ({ pod = '' }) => namespace === undefined || pod.startsWith(`${namespace}/`),
  );
  if (flags.json) return { text: JSON.stringify(all, undefined, 2), exitCode: 0 };
  const rows = all.map(({ netns, pid, command, processes, pod, nics }) => [
    ...[pid === undefined ? '-' : String(pid), command ?? '-', String(processes), String(netns)],
    ...[pod ?? '-', nics.join(' ')],
  ]);
  const lines =
    rows.length === 0
      ? ['no process is in a network namespace of its own']
      : tableLines(['PID', 'COMMAND', 'PROCESSES', 'NETNS', 'POD', 'NICS'], rows);
  return { text: linesText(lines), exitCode: 0 };
}

/** The command that runs `argv` in the network of a process or pod. Throws INPUT_INVALID. */
export async function netnsCommand(
  flags: NetnsExecFlags,
  place: string,
  argv: readonly string[],
): Promise<readonly [string, ...string[]]> {
  return ['nsenter', `--net=${await pathOf(flags, place)}`, '--', ...argv];
}

async function pathOf({ state, namespace }: NetnsExecFlags, place: string): Promise<string> {
  if (!/^\d+$/.test(place)) return pathOfPod(await namespacesHere(state), place, namespace);
  const found = processWith(Number(place));
  if (found !== undefined) return `/proc/${found.pid}/ns/net`;
  throw new OrbError('INPUT_INVALID', { message: `there is no process ${place}`, subject: 'command line' });
}

async function namespacesHere(state: string): Promise<ContainerNamespace[]> {
  const records = await readAttachments(join(state, 'attachments'));
  const own = netnsAt('/proc/self/ns/net') ?? 0;
  return containerNamespaces(allProcesses(), records.flatMap(nicOf), own);
}

/** Nothing for one whose namespace is gone, or whose path leads to a later one. */
function nicOf({ netns, pod, interfaceName: name }: AttachmentRecord): KnownNic[] {
  if (netns === undefined || pod === undefined) return [];
  const there = netnsAt(netns.path);
  if (there === undefined || there !== (netns.inode ?? there)) return [];
  return [{ netns: there, path: netns.path, pod, name }];
}
