// npm run test:random: random operations on the addresses of a cluster, from a seed.
//
// Operations, waits of the product and the order of answers follow the seed. Two runs of a seed still differ where real time
// or real randomness counts: AbortSignal.timeout of an undo, and turns of the event loop that V8 or timers add on a busy
// machine. So a seed repeats a fault nearly always, and its smaller case mostly.

import { randomInt } from 'node:crypto';
import { runProgram, wholeNumber } from '#program';
import { randomOperations, shrink } from './operations.ts';
import { run } from './run.ts';

const USAGE = `usage: npm run test:random -- [--seed N] [--operations N]
Does random operations on pods, agents, the controller and pools, and checks who holds which address.
--seed N        repeats a run; without it, the seed is random and is printed
--operations N  how many (default 10000)`;

const options = { seed: { type: 'string' }, operations: { type: 'string' } } as const;
type Values = { readonly seed?: string | undefined; readonly operations?: string | undefined };

function asked({ seed, operations = '10000' }: Values) {
  return {
    seed: seed === undefined ? randomInt(1_000_000) : wholeNumber('--seed', seed, 0, 2 ** 31 - 1),
    count: wholeNumber('--operations', operations, 1, 10_000_000),
  };
}

/** A smaller case must fail in the same way. Names and addresses may be others. */
function kindOf(fault: string): string {
  return fault.slice(0, fault.indexOf('\n')).replaceAll(/\S*\d\S*/g, '');
}

await runProgram({
  name: 'test:random',
  usage: USAGE,
  options,
  check: ({ values }) => void asked(values),
  run: async ({ values }) => {
    const { seed, count } = asked(values);
    console.log(`--seed ${seed} --operations ${count}`);
    const operations = randomOperations(seed, count);
    const { fault, at, answered } = await run(operations, seed);
    if (fault === undefined) {
      console.log(`${count} operations, ${answered} ADDs: no address was held twice, lost or left over`);
      return 0;
    }
    console.log(`${fault}\nsearching for a smaller case`);
    const smallest = await shrink(operations.slice(0, at + 1), async (some) => {
      const other = (await run(some, seed)).fault;
      return other !== undefined && kindOf(other) === kindOf(fault);
    });
    for (const { verb, which, turns } of smallest) console.log(`  ${verb} ${which}, then ${turns} turns`);
    console.log((await run(smallest, seed)).fault ?? 'the smaller case does not fail each time');
    return 1;
  },
});
