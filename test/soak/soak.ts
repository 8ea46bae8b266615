// The soak: reflectors follow a faulty server. Now and then the server is calm, and all copies must be equal to it.

import { Random, systemClock } from '#base';
import { FaultyServer } from './faulty-server.ts';
import { Follower } from './follower.ts';
import { type Kept, kept } from './memory.ts';
import { World } from './world.ts';

const FOLLOWERS = 6;
const CHANGES_PER_SECOND = 200;
const TICK_MS = 20;
/** Between two comparisons. */
const ROUND_MS = 5000;
/** A reflector waits up to 30 s before it connects again. */
const PATIENCE_MS = 90_000;
/** The heap may differ by so much between rounds. One event is some 500 bytes, and six reflectors get it. */
const HEAP_TOLERANCE_BYTES = 12 * 2 ** 20;

export interface SoakResult {
  /** What went wrong, first of all. Empty if nothing did. */
  readonly complaints: readonly string[];
  readonly changes: number;
  readonly rounds: number;
  /** How often each fault happened. */
  readonly faults: ReadonlyMap<string, number>;
  /** Events and lists of all reflectors together. */
  readonly events: number;
  readonly lists: number;
  /** After each round. */
  readonly memory: readonly Kept[];
}

/** Ends after the first round that finds something. The seed decides about the faults, but not about their times. */
export async function soak(seconds: number, seed: number): Promise<SoakResult> {
  const random = new Random(seed);
  const world = new World(random.fork());
  const server = new FaultyServer(world, random.fork());
  const url = await server.start();
  const followers = Array.from({ length: FOLLOWERS }, () => {
    const own = random.fork();
    return new Follower(url, () => own.next());
  });
  const memory: Kept[] = [];
  const complaints: string[] = [];
  let changes = 0;
  try {
    const endMs = performance.now() + seconds * 1000;
    while (complaints.length === 0 && performance.now() < endMs) {
      server.rage();
      changes += await write(world, Math.min(ROUND_MS, endMs - performance.now()));
      server.quiet();
      world.awake();
      complaints.push(...(await differences(followers, world)));
      complaints.push(...server.complaints, ...followers.flatMap((one) => one.complaints));
      memory.push(await kept());
      complaints.push(...growth(memory));
    }
  } finally {
    await Promise.all(followers.map((one) => one.stop()));
    await server.stop();
  }
  const sum = (of: 'events' | 'lists') =>
    followers.reduce((total, { reflector }) => total + reflector.statistics[of], 0);
  return {
    ...{ complaints, changes, rounds: memory.length, faults: server.faults, memory },
    ...{ events: sum('events'), lists: sum('lists') },
  };
}

/** Writes at a steady rate. Resolves with the number of changes. */
async function write(world: World, forMs: number): Promise<number> {
  const beganMs = performance.now();
  let steps = 0;
  for (let passedMs = 0; passedMs < forMs; passedMs = performance.now() - beganMs) {
    for (; steps < (Math.min(passedMs, forMs) * CHANGES_PER_SECOND) / 1000; steps++) world.step();
    await systemClock.sleep(TICK_MS);
  }
  return steps;
}

/** Waits until all copies are equal to the world, or gives up. */
async function differences(followers: readonly Follower[], world: World): Promise<string[]> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = followers.flatMap((one, number) =>
      one.differences(world).map((text) => `reflector ${number}: ${text}`),
    );
    if (found.length === 0) return [];
    if (performance.now() > endMs) return found.slice(0, 10);
    await systemClock.sleep(50);
  }
}

/** Compares the newest round with the second one: in the first, code is still compiled. */
function growth(memory: readonly Kept[]): string[] {
  const first = memory[1];
  const last = memory.at(-1);
  if (first === undefined || last === undefined || memory.length < 3) return [];
  const grown = last.heapBytes - first.heapBytes;
  // Each reflector has one watch and may have one idle connection. The server has the other ends.
  const mostSockets = FOLLOWERS * 2 * 2;
  return [
    ...(grown > HEAP_TOLERANCE_BYTES
      ? [`the heap grew by ${megabytes(grown)} MB in ${memory.length - 2} rounds`]
      : []),
    ...(last.sockets > mostSockets ? [`${last.sockets} sockets are open`] : []),
  ];
}

export function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
