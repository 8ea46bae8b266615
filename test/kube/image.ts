// Images of the cluster's pods, as archives for containerd. Two have lab-probe and busybox. The first is also the pause image.
// The other has the name of nginx, which manifests for users have: a server at port 80. A third is that of Multus.

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';

const architectures = new Map([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
]);

/** Process 1 of a container ends after SIGTERM only if it says so. */
const server = "#!/bin/sh\ntrap 'exit 0' TERM\nlab-probe serve 80 &\nwait\n";

const USERS = 'root:x:0:0:root:/:/bin/sh\n';

/** What a container of an image starts. */
export interface ImageStart {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
}

/** By the name of the image, with its tag. */
export type NamedImages = Readonly<Record<string, ImageStart>>;

const images: NamedImages = {
  'localhost/orbweaver/probe:1': { entrypoint: ['/bin/sleep', '2147483647'] },
  'docker.io/library/nginx:latest': { entrypoint: ['/bin/server'] },
};

/** Writes the archive of the pods' images below `folder`, and returns its path. */
export async function writeImage(folder: string, probe: string): Promise<string> {
  const root = join(folder, 'pods');
  for (const name of ['bin', 'etc', 'tmp']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(probe, join(root, 'bin/lab-probe'));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of ['sh', 'sleep', 'ip', 'cat', 'ls', 'ping'])
    symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'bin/server'), server, { mode: 0o755 });
  writeFileSync(join(root, 'etc/passwd'), USERS);
  return archiveOf(root, images);
}

/** The image of Multus' thick plugin from programs that were built, under the name that the chart has. */
export async function writeMultusImage(folder: string, programs: string, name: string): Promise<string> {
  const root = join(folder, 'multus');
  const bin = join(root, 'usr/src/multus-cni/bin');
  for (const made of [bin, join(root, 'etc')]) mkdirSync(made, { recursive: true });
  for (const made of ['run', 'var']) mkdirSync(join(root, made));
  symlinkSync('../run', join(root, 'var/run'));
  // It asks for the name of its user.
  writeFileSync(join(root, 'etc/passwd'), USERS);
  for (const program of readdirSync(programs)) copyFileSync(join(programs, program), join(bin, program));
  return archiveOf(root, { [name]: { entrypoint: ['/usr/src/multus-cni/bin/multus-daemon'] } });
}

/** An archive with one image for each name, all of the files below `root` (Docker's format 1.2). Its path. */
export async function archiveOf(root: string, named: NamedImages): Promise<string> {
  const folder = `${root}-archive`;
  mkdirSync(folder);
  const layerFile = join(folder, 'layer.tar');
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  await run(['tar', ...owner, '-C', root, '-cf', layerFile, '.']);
  const layer = createHash('sha256').update(readFileSync(layerFile)).digest('hex');
  const manifest = Object.entries(named).map(([tag, { entrypoint, command }], i) => {
    const config = {
      architecture: architectures.get(process.arch) ?? process.arch,
      os: 'linux',
      author: tag, // so that no two images are one
      config: {
        Env: ['PATH=/bin'],
        ...(entrypoint !== undefined && { Entrypoint: entrypoint }),
        ...(command !== undefined && { Cmd: command }),
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    };
    writeFileSync(join(folder, `config-${i}.json`), JSON.stringify(config));
    return { Config: `config-${i}.json`, RepoTags: [tag], Layers: ['layer.tar'] };
  });
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(folder, 'image.tar');
  const configs = manifest.map((image) => image.Config);
  await run(['tar', '-C', folder, '-cf', archive, 'manifest.json', ...configs, 'layer.tar']);
  return archive;
}
