// The clocks of our programs on each node. The machine has one clock, which is not touched: libfaketime shows our programs another
// time. Their steady clock, which timers use, goes on as it is.

import { type Cluster, type NodeName, nodeNames } from './cluster.ts';

/** As tools/programs.txt has it. */
const folder = '/usr/lib/x86_64-linux-gnu/faketime';
/** On each node: how far its clock is from the machine's, as libfaketime reads it. */
const state = '/var/lib/orbweaver-clock';

const environment = {
  LD_PRELOAD: `${folder}/libfaketimeMT.so.1`,
  FAKETIME_TIMESTAMP_FILE: `${state}/now`,
  FAKETIME_NO_CACHE: '1',
  FAKETIME_DISABLE_SHM: '1',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
};
const volumes = { 'clock-library': folder, 'clock-state': state };

/** Values of the chart with which agents and controllers have the clocks of their nodes. */
export const clockValues: Readonly<Record<string, unknown>> = Object.fromEntries(
  ['agent', 'controller'].flatMap((part) => [
    [`${part}.extraEnv`, Object.entries(environment).map(([name, value]) => ({ name, value }))],
    [`${part}.extraVolumes`, Object.entries(volumes).map(([name, path]) => ({ name, hostPath: { path } }))],
    [
      `${part}.extraVolumeMounts`,
      Object.entries(volumes).map(([name, mountPath]) => ({ name, mountPath, readOnly: true })),
    ],
  ]),
);

/** Makes the clocks, which show the machine's time. */
export async function makeClocks(cluster: Cluster): Promise<void> {
  for (const node of nodeNames) {
    await cluster.node(node, ['mkdir', '-p', state]);
    await moveClock(cluster, node, 0);
  }
}

/** Sets how many hours the clock of the node is ahead of the machine's. */
export async function moveClock(cluster: Cluster, node: NodeName, hours: number): Promise<void> {
  const text = `${hours < 0 ? '-' : '+'}${Math.abs(hours)}h\n`;
  await cluster.node(node, ['sh', '-c', `cat >${state}/new && mv ${state}/new ${state}/now`], {
    input: text,
  });
}
