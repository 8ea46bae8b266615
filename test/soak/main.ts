// npm run test:soak: reflectors against a faulty server, for half a minute or as long as one likes.

import { randomInt } from 'node:crypto';
import { runProgram, wholeNumber } from '#program';
import { megabytes, soak } from './soak.ts';

const USAGE = `usage: npm run test:soak -- [--minutes N | --seconds N] [--seed N]
Reflectors follow a server that resets, stalls, forgets, repeats and garbles.
Nothing may be missed, and memory stays flat.
--minutes N, --seconds N  how long (default 30 seconds)
--seed N                  repeats the faults, but not their times; without it, the seed is random and is printed`;

const options = {
  minutes: { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string' },
} as const;
type Values = { readonly [Name in keyof typeof options]?: string | undefined };

function asked({ minutes, seconds = '30', seed }: Values) {
  return {
    seconds:
      minutes === undefined
        ? wholeNumber('--seconds', seconds, 1, 86_400)
        : wholeNumber('--minutes', minutes, 1, 1440) * 60,
    seed: seed === undefined ? randomInt(1_000_000) : wholeNumber('--seed', seed, 0, 2 ** 31 - 1),
  };
}

await runProgram({
  name: 'test:soak',
  usage: USAGE,
  options,
  check: ({ values }) => void asked(values),
  run: async ({ values }) => {
    const { seconds, seed } = asked(values);
    console.log(`--seconds ${seconds} --seed ${seed}`);
    const { complaints, changes, rounds, faults, events, lists, memory } = await soak(seconds, seed);
    for (const [fault, count] of [...faults].sort(([a], [b]) => (a < b ? -1 : 1))) {
      console.log(`${String(count).padStart(6)} ${fault}`);
    }
    const heaps = memory.map(({ heapBytes }) => megabytes(heapBytes));
    const [least, most] = [heaps[1] ?? heaps[0], heaps.at(-1)];
    console.log(
      `${changes} changes, ${events} events, ${lists} lists, ${rounds} rounds; heap ${least} MB, then ${most} MB`,
    );
    for (const complaint of complaints) console.log(complaint);
    console.log(complaints.length === 0 ? 'nothing was missed' : 'FAILED');
    return complaints.length === 0 ? 0 : 1;
  },
});
