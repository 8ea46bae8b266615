// npm run image: images of agent, controller and command line, as OCI archives. It needs no daemon.

import { join } from 'node:path';
import { OrbError } from '#base';
import { type CommandLine, runProgram } from '#program';
import { buildImages } from './build-images.ts';
import { type Platform, platforms } from './platform.ts';

const options = {
  out: { type: 'string', default: join(import.meta.dirname, '../../dist/image') },
  platform: { type: 'string', multiple: true },
} as const;

type Values = CommandLine<typeof options>['values'];

/** Throws INPUT_INVALID for a platform that is not known. */
function chosenPlatforms({ platform: names }: Values): readonly Platform[] {
  const known = platforms.map(({ name }) => name);
  const wrong = names?.find((name) => !known.some((each) => each === name));
  if (wrong === undefined) return platforms.filter(({ name }) => names?.includes(name) ?? true);
  const message = `--platform ${wrong} is not a platform that images are built for: allowed are ${known.join(', ')}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

async function image(values: Values): Promise<undefined> {
  const started = performance.now();
  for (const { name, archive, sizes } of buildImages(values.out, chosenPlatforms(values))) {
    const told = Object.entries(sizes).map(([of, bytes]) => `${of} ${(bytes / 1e6).toFixed(1)} MB`);
    console.log(`${name}  ${told.join(', ')}  ${archive}`);
  }
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

const USAGE = `usage: npm run image [-- --out FOLDER] [--platform amd64|arm64 ...]
Builds images of agent, controller and orbctl, with a list of the contents of each (SPDX).
--out       where the archives are written (default dist/image)
--platform  for this platform only; may be repeated (default: all)`;
await runProgram({
  name: 'image',
  usage: USAGE,
  options,
  check: ({ values }) => void chosenPlatforms(values),
  run: ({ values }) => image(values),
});
