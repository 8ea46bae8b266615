// npm run test:image: the images are built twice and compared, and looked into. Then their programs run in containers with the rights of
// an installation, on amd64 as runc runs them, and on arm64 under qemu.

import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '#program';
import { buildImages } from '../../tools/image/build-images.ts';
import { platforms } from '../../tools/image/platform.ts';
import { Outcomes, Unreached } from '../kube/outcome.ts';
import { playAgent, recordAgent } from './agent-play.ts';
import { expectContents } from './contents.ts';
import { playController } from './controller-play.ts';
import { playEmulated } from './emulated-play.ts';
import { type UnpackedImage, unpackImage } from './unpacked.ts';

type Play = (outcomes: Outcomes, folder: string) => Promise<void>;

const MEGABYTE = 1e6;
const largestAgent = 80 * MEGABYTE;

async function tryImages(play: Play): Promise<number> {
  const outcomes = new Outcomes();
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-images-'));
  try {
    await play(outcomes, folder);
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
  } finally {
    rmSync(folder, { recursive: true });
    removeControlGroups();
  }
  console.log(`${outcomes.passed} passed, ${outcomes.failed} failed`);
  return outcomes.failed === 0 ? 0 : 1;
}

async function record(outcomes: Outcomes, folder: string): Promise<void> {
  buildImages(
    folder,
    platforms.filter(({ name }) => name === 'amd64'),
  );
  const image = unpackImage(join(folder, 'orbweaver-agent.tar'), 'amd64', join(folder, 'agent'));
  await recordAgent(outcomes, image, folder);
}

async function play(outcomes: Outcomes, folder: string): Promise<void> {
  const first = join(folder, 'first');
  await outcomes.require('images of all programs are built for amd64 and arm64', async () => {
    buildImages(first, platforms);
  });
  await outcomes.check(
    'a second build under another umask, time zone and folder has the same bits',
    async () => {
      expectSameBuild(first, join(folder, 'second'));
    },
  );
  const images = new Map<string, UnpackedImage>();
  for (const { name } of platforms) {
    for (const program of ['agent', 'controller', 'orbctl']) {
      const archive = join(first, `orbweaver-${program}.tar`);
      await outcomes.require(
        `the ${program}'s image for ${name} has its labels and a complete list of contents`,
        async () => {
          const image = unpackImage(archive, name, join(folder, `${program}-${name}`));
          images.set(`${program}-${name}`, image);
          expectContents(image, program, name);
        },
      );
    }
  }
  const image = (name: string): UnpackedImage => {
    const found = images.get(name);
    if (found === undefined) throw new Error(`no image ${name}`);
    return found;
  };
  await outcomes.check('the image of the agent has at most 80 MB', async () => {
    for (const { name } of platforms) {
      const { size } = image(`agent-${name}`);
      if (size > largestAgent) throw new Error(`${name}: ${(size / MEGABYTE).toFixed(1)} MB`);
    }
  });
  const work = join(folder, 'work');
  mkdirSync(work);
  await playController(outcomes, image('controller-amd64'), work);
  await playAgent(outcomes, image('agent-amd64'), work);
  await playEmulated(outcomes, {
    controller: image('controller-arm64'),
    agent: image('agent-arm64'),
    orbctl: image('orbctl-arm64'),
  });
}

/** Builds once more, as another user on another machine might, and compares each file. */
function expectSameBuild(first: string, second: string): void {
  const { TZ, TMPDIR } = process.env;
  const umask = process.umask(0o077);
  Object.assign(process.env, { TZ: 'Pacific/Auckland', TMPDIR: '/var/tmp' });
  try {
    buildImages(second, platforms);
  } finally {
    process.umask(umask);
    for (const [name, value] of Object.entries({ TZ, TMPDIR })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
  const files = readdirSync(first);
  if (files.length < 9) throw new Error(`only ${files.join(', ')} were built`);
  const different = files.filter(
    (file) => !readFileSync(join(first, file)).equals(readFileSync(join(second, file))),
  );
  if (different.length > 0) throw new Error(`different bits: ${different.join(', ')}`);
  rmSync(second, { recursive: true });
}

/** A container that is killed leaves its control groups. Nobody else has groups of this name. */
function removeControlGroups(): void {
  const folders = globSync('/sys/fs/cgroup/{,*/}orbweaver-image/{,*/}');
  for (const folder of folders.toSorted((a, b) => b.length - a.length)) rmdirSync(folder);
}

const usage = `usage: npm run test:image [-- --record]
Builds the images twice, compares and inspects them, and runs their programs in containers.
--record  instead, writes the agent's seccomp profile anew, from what strace sees in the suites`;
const options = { record: { type: 'boolean', default: false } } as const;
await runProgram({
  name: 'test:image',
  usage,
  options,
  run: ({ values }) => tryImages(values.record ? record : play),
});
