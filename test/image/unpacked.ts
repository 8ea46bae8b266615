// An image taken out of its archive, as a container runtime does it.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string };
}

export interface ImageConfig {
  readonly architecture: string;
  readonly config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
}

export interface UnpackedImage {
  /** The folder of its root file system. */
  readonly root: string;
  readonly name: string;
  readonly config: ImageConfig;
  /** Bytes of the compressed layers. */
  readonly size: number;
}

/** Unpacks the image of one architecture into `folder`. Every blob must have the digest that it is named by. */
export function unpackImage(archive: string, architecture: string, folder: string): UnpackedImage {
  const layout = join(folder, 'layout');
  const root = join(folder, 'root');
  for (const each of [layout, root]) mkdirSync(each, { recursive: true });
  tar(['-xf', archive, '-C', layout]);
  const blob = ({ digest, size }: Descriptor): Buffer => {
    const content = readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
    const found = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    if (found !== digest || content.length !== size) throw new Error(`blob ${digest} is ${found}`);
    return content;
  };
  const document = <T>(descriptor: Descriptor) => JSON.parse(blob(descriptor).toString()) as T;
  const [top] = (JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as Index).manifests;
  if (top === undefined) throw new Error(`${archive} has no image`);
  const found = document<Index>(top).manifests.find((each) => each.platform?.architecture === architecture);
  if (found === undefined) throw new Error(`${archive} has no image for ${architecture}`);
  const { config, layers } = document<{ config: Descriptor; layers: Descriptor[] }>(found);
  for (const layer of layers) {
    blob(layer);
    const file = join(layout, 'blobs', layer.digest.replace(':', '/'));
    tar(['-xzf', file, '-C', root, '--keep-directory-symlink', '--same-owner', '-p']);
  }
  const unpacked = {
    root,
    name: top.annotations?.['io.containerd.image.name'] ?? '',
    config: document<ImageConfig>(config),
    size: layers.reduce((sum, { size }) => sum + size, 0),
  };
  rmSync(layout, { recursive: true });
  return unpacked;
}

interface Index {
  readonly manifests: readonly Descriptor[];
}

function tar(args: readonly string[]): void {
  const done = spawnSync('tar', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`tar ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
}
