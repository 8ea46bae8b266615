// node tools/fuzz-shim.ts [--seconds N] [--seed N]: sends a random environment, stdin and broken answers to a shim.
// The shim stops at the first memory error. It must always end by itself, and print nothing or one JSON document.

import type { Socket } from 'node:net';
import { Random } from '#base';
import { type CommandLine, runProgram, wholeNumber } from '#program';
import { encodeFrame, startFakeAgent } from '../test/shim/fake-agent.ts';
import { makeShim, type ShimCall, type ShimRun } from '../test/shim/shim.ts';

function randomBytes(random: Random, longest: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(longest) }, () => random.below(256)));
}

/** Text of characters that an environment variable can hold. */
function randomText(random: Random, longest: number): string {
  return Array.from({ length: random.below(longest) }, () =>
    String.fromCodePoint(1 + random.below(0x2ff)),
  ).join('');
}

/** ADD comes more often, because the shim does most for it. */
const commands = ['ADD', 'ADD', 'CHECK', 'DEL', 'GC', 'STATUS', 'VERSION'] as const;

function randomCall(random: Random): ShimCall {
  const env: Record<string, string> = {};
  for (const name of ['CONTAINERID', 'NETNS', 'IFNAME', 'ARGS', 'PATH', 'NETNS_OVERRIDE']) {
    if (random.below(3) > 0) env[`CNI_${name}`] = randomText(random, random.pick([1, 20, 300, 20_000]));
  }
  const command = random.pick([...commands, randomText(random, 30), '']);
  if (command !== '') env.CNI_COMMAND = command;
  const conf = JSON.stringify({
    cniVersion: random.pick(['1.1.0', '0.4.0', randomText(random, 40)]),
    name: randomText(random, 40),
  });
  const stdin = random.pick([
    Buffer.from(conf),
    Buffer.from(conf).subarray(0, random.below(conf.length)),
    randomBytes(random, 5000),
  ]);
  return random.below(50) === 0 ? { env, stdin: Buffer.alloc(4_200_000, conf) } : { env, stdin };
}

/** A valid answer with one of many kinds of damage. */
function randomAnswer(random: Random): Buffer {
  const stdout = JSON.stringify({ text: randomText(random, random.pick([1, 100, 100_000])) });
  const right = encodeFrame({ exit: String(random.below(256)), stdout, log: randomText(random, 500) });
  const at = random.below(right.length);
  switch (random.below(6)) {
    case 0:
      return right.subarray(0, at);
    case 1:
      return Buffer.concat([right, randomBytes(random, 20)]);
    case 2:
      return Buffer.concat([right.subarray(0, 8), randomBytes(random, 3000)]);
    case 3: {
      // Change one byte of the header. A changed byte of a value would only change the message.
      const broken = Buffer.from(right);
      broken[random.below(20)] = random.below(256);
      return broken;
    }
    case 4:
      return Buffer.from(
        `OWCNI 1\nexit ${randomText(random, 12)}\n0\nstdout ${random.below(2 ** 30)}\n{}\nend 0\n\n`,
      );
    default:
      return right;
  }
}

function answer(socket: Socket, random: Random): void {
  const bytes = randomAnswer(random);
  if (random.below(100) === 0) return;
  if (random.below(20) === 0) return void socket.destroy();
  const half = random.below(bytes.length + 1);
  socket.write(bytes.subarray(0, half));
  setImmediate(() => socket.end(bytes.subarray(half)));
}

function complaint(run: ShimRun): string | undefined {
  if (run.signal !== null) return `was ended by ${run.signal}`;
  if (/AddressSanitizer|runtime error|LeakSanitizer/.test(run.stderr)) return 'made a memory error';
  if (run.elapsedMs > 15_000) return `hung for ${run.elapsedMs.toFixed(0)} ms`;
  if (run.stdout.length === 0) return undefined;
  try {
    JSON.parse(run.stdout.toString());
    return undefined;
  } catch {
    return 'printed something other than one JSON document';
  }
}

async function fuzz(seconds: number, firstSeed: number): Promise<number> {
  using shim = makeShim({ sanitize: true, patienceMs: 30, totalMs: 300 });
  const agentRandom = new Random(firstSeed);
  await using _agent = await startFakeAgent(shim.socket, (socket) => answer(socket, agentRandom));
  const endMs = performance.now() + seconds * 1000;
  let runs = 0;
  let seed = firstSeed;
  let failed = false;

  async function worker(): Promise<void> {
    while (performance.now() < endMs && !failed) {
      const mine = ++seed;
      const call = randomCall(new Random(mine));
      const env = { ...call.env, ASAN_OPTIONS: 'detect_leaks=0' };
      const run = await shim.run({ ...call, env, killAfterMs: 20_000 });
      runs++;
      const wrong = complaint(run);
      if (wrong === undefined) continue;
      failed = true;
      console.log(`the shim ${wrong} with seed ${mine}`);
      const stdin = Buffer.from(call.stdin ?? '')
        .toString('latin1')
        .slice(0, 2000);
      console.log(JSON.stringify({ ...call, stdin }));
      console.log(`stdout: ${run.stdout.toString().slice(0, 500)}\nstderr: ${run.stderr.slice(0, 3000)}`);
    }
  }

  await Promise.all([worker(), worker()]);
  const verdict = failed ? 'FAILED' : 'no crash, no hang, no garbage';
  console.log(`${runs} runs of the shim in ${seconds} s, seeds from ${firstSeed}: ${verdict}`);
  return failed ? 1 : 0;
}

const USAGE = `usage: node tools/fuzz-shim.ts [--seconds N] [--seed N]
Sends random environment, stdin and broken answers to a shim that stops at the first memory error.`;
const options = {
  seconds: { type: 'string', default: '60' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
} as const;
const numbersOf = ({ values }: CommandLine<typeof options>): [number, number] => [
  wholeNumber('--seconds', values.seconds, 1, 1_000_000),
  wholeNumber('--seed', values.seed, 0, 2 ** 31),
];
await runProgram({
  name: 'fuzz-shim',
  usage: USAGE,
  options,
  check: numbersOf,
  run: (line) => fuzz(...numbersOf(line)),
});
