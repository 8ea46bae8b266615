// Work in the background gives way to requests. Both share one thread, and a pod waits for each request.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#base';
import type { Gate } from './gate.ts';

/** The requests of the agent. */
export type Requests = Pick<Gate, 'running'>;

/** A node that starts pods all the time is repaired all the same, five pods a second. */
const MOST_MS = 200;
const STEP_MS = 10;

/** Resolves in a later turn of the event loop, when no request runs or 200 ms have passed. */
export async function giveWay(requests: Requests, clock: Clock): Promise<void> {
  const untilMs = clock.monotonic() + MOST_MS;
  await nextTurn();
  while (requests.running > 0 && clock.monotonic() < untilMs) await clock.sleep(STEP_MS);
}
