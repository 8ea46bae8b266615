// An earlier release: the chart and the images of another commit, under a version of their own. There is no release yet, and all
// commits have the same version.

import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OrbError } from '#base';
import { platforms } from '../../tools/image/platform.ts';
import { cacheFolder, kept } from './cache.ts';
import type { ChartSource } from './chart-release.ts';
import { run } from './command.ts';

/** The first commit whose chart makes the first objects of all kinds: its programs ask for nothing that their roles refuse. */
export const FIRST_CHART = '8a25e9d2';

const root = join(import.meta.dirname, '../..');
const VERSION = '0.0.1';

export interface EarlierRelease extends ChartSource {
  /** Archives of its images. */
  readonly archives: readonly string[];
  /** The short hash and the subject of its commit. */
  readonly title: string;
}

/** Builds the release of a commit once. Throws INPUT_INVALID when git does not know the commit. */
export async function earlierRelease(revision: string): Promise<EarlierRelease> {
  const named = ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`];
  const commit = await git(root, ...named).catch((error: unknown) => {
    const message = `--from ${revision}: git knows no such commit`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'command line', said: String(error) });
  });
  const folder = await kept(join(cacheFolder('kube'), `release-${VERSION}-${commit}`), (made) =>
    build(made, commit),
  );
  return {
    version: VERSION,
    chart: join(folder, 'chart'),
    archives: globSync(join(folder, 'images/*.tar')),
    title: await git(root, 'show', '--no-patch', '--format=%h "%s"', commit),
  };
}

async function build(folder: string, commit: string): Promise<void> {
  console.log(`building the release of ${commit} (once: about a minute)`);
  const clone = join(folder, 'clone');
  await git(root, 'clone', '--quiet', '--shared', '--no-checkout', root, clone);
  await git(clone, 'checkout', '--quiet', '--detach', commit);
  const description = join(clone, 'package.json');
  const text = readFileSync(description, 'utf8');
  writeFileSync(description, JSON.stringify({ ...(JSON.parse(text) as object), version: VERSION }));
  const own = platforms
    .filter(({ node }) => node === process.arch)
    .flatMap(({ name }) => ['--platform', name]);
  // tools/run keeps the certificate of the package registry from all programs but npm.
  const { ORBWEAVER_REGISTRY_CA: certificate } = process.env;
  await run(['sh', 'tools/run', 'image', '--out', join(folder, 'images'), ...own], {
    cwd: clone,
    ...(certificate && { env: { NODE_EXTRA_CA_CERTS: certificate } }),
  });
  cpSync(join(clone, 'deploy/chart'), join(folder, 'chart'), { recursive: true });
  rmSync(clone, { recursive: true });
}

async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  return (await run(['git', '-C', cwd, ...args])).trim();
}
