// What the lab prints after its table: the participants, the facts as JSON, and how to look around.

import { join } from 'node:path';
import { LAB_FOLDER } from '../mounts.ts';
import { binFolder, kubeconfigPath, pathInside } from '../running-labs.ts';
import type { Place } from './cells.ts';
import type { Outcome } from './trial.ts';

/** All participants with their addresses, one a line. */
export function placesText({ places }: Outcome): string {
  const line = ({ name, kind, address }: Place) =>
    `${kind.padEnd(12)}  ${name.padEnd(36)}  ${address[4].padEnd(15)}  ${address[6]}`;
  return places.map(line).join('\n');
}

/** The content of the `--json` file. */
export function labFacts(
  timingsMs: Readonly<Record<string, number | undefined>>,
  { places, cells, facts }: Outcome,
): unknown {
  const described = places.map(({ name, kind, node, address }) => ({
    name,
    kind,
    node,
    addresses: [address[4], address[6]],
  }));
  return {
    timingsMs,
    nodes: described.filter(({ kind }) => kind === 'node'),
    pods: described.filter(({ kind }) => kind.endsWith('pod')),
    table: cells,
    ...facts,
  };
}

/** The commands to type in another terminal; `pid` is the lab's process 1 as the machine numbers it. */
export function howToLookAround(pid: string, { places }: Outcome): string {
  const pod = places[0]?.name.split(' ')[0] ?? 'POD';
  return [
    'The lab runs until Ctrl-C. Look around from another terminal:',
    `  export KUBECONFIG=${pathInside(pid, kubeconfigPath)}`,
    '  kubectl get spiderippools; kubectl get pods -o wide',
    `  export PATH=${pathInside(pid, binFolder)}:$PATH`,
    '  orbctl lab ls',
    `  orbctl lab exec ${pod} -- ip route   (or on node1, router, client)`,
    `Logs: ${pathInside(pid, join(LAB_FOLDER, 'log'))}`,
  ].join('\n');
}
