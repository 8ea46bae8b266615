// The agent in a container with the rights that its manifest names: the suites of test/e2e pass with it. Without any one of these
// rights, they do not.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../kube/command.ts';
import type { Outcomes } from '../kube/outcome.ts';
import { agentCapabilities, agentMemoryLimit } from './agent-pod.ts';
import { writeBundle } from './bundle.ts';
import { callsIn, PROFILE_PATH, profileOf } from './seccomp.ts';
import type { UnpackedImage } from './unpacked.ts';

const project = join(import.meta.dirname, '../..');
/** The records are written over spare files, by calls that nothing else makes. */
const fullDisk: Trial = { suite: 'recovery', only: 'a full disk under /var/lib/orbweaver' };
/** All verbs, probes on the wire, one repair. */
const tried: readonly Trial[] = [
  { suite: 'lifecycle' },
  { suite: 'probes' },
  fullDisk,
  { suite: 'repair', only: 'the nft table: it is repaired, counted, and reported on the pod' },
];
/** What starts agents in many ways. */
const recorded: readonly Trial[] = [
  ...['lifecycle', 'probes', 'repair', 'bridge', 'older-types', 'reclaim', 'trace'].map((suite) => ({
    suite,
  })),
  fullDisk,
];
/** What needs every capability. */
const probe: Trial = {
  suite: 'probes',
  only: 'the pods get other addresses than those that other machines use',
};

interface Trial {
  readonly suite: string;
  /** The name of its only test that runs. */
  readonly only?: string;
}

export async function playAgent(outcomes: Outcomes, image: UnpackedImage, work: string): Promise<void> {
  writeFileSync(join(work, 'image.json'), JSON.stringify(image));
  for (const trial of tried) {
    const what = trial.only === undefined ? trial.suite : `${trial.suite} (${trial.only})`;
    await outcomes.check(
      `the suite ${what} passes with the agent in a container with its rights`,
      async () => {
        const failed = await failuresOf(trial, work);
        if (failed !== '') throw new Error(failed);
      },
    );
  }
  await outcomes.check('Node in the container knows the memory limit', async () => {
    const bundle = join(work, 'limit');
    const { config } = image.config;
    writeBundle(bundle, {
      image: {
        root: image.root,
        config: { ...image.config, config: { ...config, Entrypoint: ['/usr/bin/node'] } },
      },
      args: ['--print', 'process.constrainedMemory()'],
      ...{ capabilities: [], mounts: [], memoryLimit: agentMemoryLimit, cgroup: '/orbweaver-image/limit' },
    });
    const said = await run(['runc', 'run', '--bundle', bundle, `orbweaver-limit-${process.pid}`]);
    if (Number(said) !== agentMemoryLimit) throw new Error(said);
  });
  for (const name of agentCapabilities) {
    await outcomes.check(`the agent cannot do its work without ${name}`, async () => {
      const failed = await failuresOf(probe, work, { ORBWEAVER_TEST_WITHOUT: name });
      if (!failed.includes('EPERM')) throw new Error(failed === '' ? 'it could' : failed);
    });
  }
}

/** Runs every suite that starts an agent under strace, and writes the profile of what was called. */
export async function recordAgent(outcomes: Outcomes, image: UnpackedImage, work: string): Promise<void> {
  writeFileSync(join(work, 'image.json'), JSON.stringify(image));
  const trace = join(work, 'trace');
  for (const trial of recorded) {
    await outcomes.check(`the suite ${trial.suite} passes under strace`, async () => {
      const failed = await failuresOf(trial, work, {
        ORBWEAVER_TEST_TRACE: trace,
        ORBWEAVER_TEST_SECCOMP: undefined,
      });
      if (failed !== '') throw new Error(failed);
    });
  }
  const profile = profileOf(callsIn(readFileSync(trace, 'utf8')));
  writeFileSync(join(project, PROFILE_PATH), `${JSON.stringify(profile, null, 2)}\n`);
}

/** Runs a suite, and returns what it said of its failures; an empty text when it passed. */
async function failuresOf(
  { suite, only }: Trial,
  work: string,
  more: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const file = join(project, `test/e2e/${suite}.root.test.ts`);
  const chosen = only === undefined ? [] : [`--test-name-pattern=${only}`];
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', ...chosen, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ORBWEAVER_TEST_IMAGE: join(work, 'image.json'),
      ORBWEAVER_TEST_LAUNCHER: join(import.meta.dirname, 'launcher.ts'),
      ORBWEAVER_TEST_SECCOMP: join(project, PROFILE_PATH),
      NODE_TEST_CONTEXT: undefined,
      ...more,
    },
  });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const text = Buffer.concat(said).toString();
  if (code !== 0) return text.slice(text.indexOf('failing tests:')).slice(0, 1500);
  // A pattern that names no test would pass.
  return /^ℹ pass [1-9]/m.test(text) ? '' : `no test ran: ${text}`;
}
