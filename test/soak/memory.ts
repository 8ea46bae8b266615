// How much this process keeps: its heap after a collection, and its open sockets.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Kept {
  readonly heapBytes: number;
  readonly sockets: number;
}

export async function kept(): Promise<Kept> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What ended lets go of its objects in later turns.
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  const sockets = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length;
  return { heapBytes: heapUsed + external, sockets };
}
