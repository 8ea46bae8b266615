// Builds the images of all programs into a folder: for each an archive, and a list of its contents for each platform.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformContents, programImages } from './contents.ts';
import { writeArchive } from './oci.ts';
import type { Platform } from './platform.ts';

const project = join(import.meta.dirname, '../..');

export interface BuiltImage {
  /** As containers name it. */
  readonly name: string;
  readonly program: string;
  /** The path of the archive. */
  readonly archive: string;
  /** By platform: bytes of all compressed layers. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** Where an image of this version is named. An installation gives it the name of its registry. */
export function imageName(program: string): string {
  return `localhost/orbweaver/${program}:${version()}`;
}

export function buildImages(out: string, platforms: readonly Platform[]): BuiltImage[] {
  // Files that are made here have the same mode whoever builds.
  process.umask(0o022);
  mkdirSync(out, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-image-'));
  try {
    const contents = platforms.map((platform) => new PlatformContents(platform, join(folder, platform.name)));
    const { revision, created } = state();
    return programImages.map((image) => {
      const { program, title } = image;
      const annotations = {
        'org.opencontainers.image.title': title,
        'org.opencontainers.image.description': 'Underlay networking for Kubernetes',
        'org.opencontainers.image.version': version(),
        'org.opencontainers.image.revision': revision,
        'org.opencontainers.image.created': created,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      };
      const subject = { name: `orbweaver-${program}`, version: version(), architecture: '', created };
      const built = contents.map((each) => each.image(image, subject, annotations));
      const archive = join(out, `orbweaver-${program}.tar`);
      const name = imageName(program);
      writeArchive({ name, created, annotations, platforms: built.map((each) => each.image) }, archive);
      for (const { image: of, sbom } of built)
        writeFileSync(join(out, `orbweaver-${program}-${of.platform.name}.spdx.json`), sbom);
      const sizes = built.map(({ image: { platform, layers } }): [string, number] => [
        platform.name,
        layers.reduce((sum, { blob }) => sum + blob.length, 0),
      ]);
      return { name, program, archive, sizes: Object.fromEntries(sizes) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function version(): string {
  const description = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
  return description.version;
}

/** The commit that is built, and its time. A changed tree has the time of its commit: its images must repeat, too. */
function state(): { readonly revision: string; readonly created: string } {
  const [hash = '', seconds] = git('log', '-1', '--format=%H %ct').split(' ');
  const changed = git('status', '--porcelain') !== '';
  return {
    revision: changed ? `${hash}-changed` : hash,
    created: new Date(Number(seconds) * 1000).toISOString().replace('.000', ''),
  };
}

function git(...args: readonly string[]): string {
  const done = spawnSync('git', args, { encoding: 'utf8', cwd: project });
  if (done.status === 0) return done.stdout.trim();
  throw new Error(`git ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`);
}
