// The images of the cluster's pods, as an archive for containerd. Both have lab-probe and busybox. The first is also the pause
// image. The other has the name of nginx, which manifests for users have: a server at port 80.

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';

const architectures = new Map([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
]);

/** Process 1 of a container ends after SIGTERM only if it says so. */
const server = "#!/bin/sh\ntrap 'exit 0' TERM\nlab-probe serve 80 &\nwait\n";

const entrypoints: Readonly<Record<string, readonly string[]>> = {
  'localhost/orbweaver/probe:1': ['/bin/sleep', '2147483647'],
  'docker.io/library/nginx:latest': ['/bin/server'],
};

/** Writes the archive into `folder` (Docker's image format 1.2: manifest, configuration, layers), and returns its path. */
export async function writeImage(folder: string, probe: string): Promise<string> {
  const root = join(folder, 'root');
  for (const name of ['bin', 'etc', 'tmp']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(probe, join(root, 'bin/lab-probe'));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of ['sh', 'sleep', 'ip', 'cat', 'ls', 'ping'])
    symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'bin/server'), server, { mode: 0o755 });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  await run([
    'tar',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '-C',
    root,
    '-cf',
    join(folder, 'layer.tar'),
    '.',
  ]);
  const layer = createHash('sha256')
    .update(readFileSync(join(folder, 'layer.tar')))
    .digest('hex');
  const images = Object.entries(entrypoints).map(([tag, entrypoint], i) => {
    const config = {
      architecture: architectures.get(process.arch) ?? process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Entrypoint: entrypoint },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    };
    writeFileSync(join(folder, `config-${i}.json`), JSON.stringify(config));
    return { Config: `config-${i}.json`, RepoTags: [tag], Layers: ['layer.tar'] };
  });
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(images));
  const archive = join(folder, 'image.tar');
  const configs = images.map((image) => image.Config);
  await run(['tar', '-C', folder, '-cf', archive, 'manifest.json', ...configs, 'layer.tar']);
  return archive;
}
