// Which network namespaces containers have: what processes and the records of pods' NICs say together.

import { didYouMeanName, OrbError } from '#base';
import type { Process } from './processes.ts';

/** What a record of the agent says of one NIC. */
export interface KnownNic {
  readonly netns: number;
  readonly path: string;
  readonly pod: { readonly namespace: string; readonly name: string };
  readonly name: string;
}

export interface ContainerNamespace {
  /** Its inode: the number that `lsns -t net` shows too. */
  readonly netns: number;
  /** The process with the lowest number, of those that are in it; none if it is only mounted. */
  readonly pid?: number;
  readonly command?: string;
  readonly processes: number;
  /** `NAMESPACE/NAME`. */
  readonly pod?: string;
  /** The NICs of the pod that Orbweaver serves. */
  readonly nics: readonly string[];
  /** A file that leads to the namespace. */
  readonly path: string;
}

/** All namespaces but those of `own`, by the number of their process; those without a process come last. */
export function containerNamespaces(
  processes: readonly Process[],
  nics: readonly KnownNic[],
  own: number,
): ContainerNamespace[] {
  const inside = Map.groupBy(processes, ({ netns }) => netns);
  const known = Map.groupBy(nics, ({ netns }) => netns);
  const ids = [...new Set([...inside.keys(), ...known.keys()])].filter((id) => id !== own);
  const all = ids.map((netns): ContainerNamespace => {
    const [first, ...others] = (inside.get(netns) ?? []).toSorted((a, b) => a.pid - b.pid);
    const own = known.get(netns) ?? [];
    const pod = own[0]?.pod;
    return {
      netns,
      ...(first !== undefined && { pid: first.pid, command: first.command }),
      processes: first === undefined ? 0 : 1 + others.length,
      ...(pod !== undefined && { pod: `${pod.namespace}/${pod.name}` }),
      nics: own.map(({ name }) => name).toSorted(),
      path: first === undefined ? (own[0]?.path ?? '') : `/proc/${first.pid}/ns/net`,
    };
  });
  return all.toSorted((a, b) => (a.pid ?? Number.MAX_SAFE_INTEGER) - (b.pid ?? Number.MAX_SAFE_INTEGER));
}

/**
 * The file that leads to the namespace of a pod: `NAME`, `NAMESPACE/NAME`, or one of these with `pod/` before it.
 * Throws INPUT_INVALID if there is no such pod, or several.
 */
export function pathOfPod(
  namespaces: readonly ContainerNamespace[],
  place: string,
  namespace: string | undefined,
): string {
  const name = place.replace(/^pod[:/]/, '');
  const known = namespaces.flatMap((one) => (one.pod === undefined ? [] : { ...one, pod: one.pod }));
  const isMeant = ({ pod }: { pod: string }) =>
    pod === name ||
    (pod.endsWith(`/${name}`) && (namespace === undefined || pod.startsWith(`${namespace}/`)));
  const [only, ...others] = known.filter(isMeant);
  if (only !== undefined && others.length === 0) return only.path;
  const names = known.map(({ pod }) => pod);
  const message =
    only === undefined
      ? `no record of the agent has a pod ${place}${didYouMeanName(name, names)}: \`orbctl netns list\` shows which it has; a process id may be given instead`
      : `${place} is ${[only, ...others].map(({ pod, netns }) => `${pod} (namespace ${netns})`).join(' and ')}: give the namespace of the pod, or a process id`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
