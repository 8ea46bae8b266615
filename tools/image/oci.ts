// Images as OCI has them (image-spec 1.1): blobs by their hash, a manifest for each platform, an index over them, in one archive that
// containerd, podman and skopeo read.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Platform } from './platform.ts';
import { sameBits, tar } from './tree.ts';

const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** One archive of files, compressed. */
export interface Layer {
  readonly blob: Buffer;
  /** The digest of the tar archive before its compression. */
  readonly diffId: string;
  readonly said: string;
}

export interface PlatformImage {
  readonly platform: Platform;
  readonly layers: readonly Layer[];
  /** How a container of it runs: `Entrypoint`, `User`, `Env`, `Labels`. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Image {
  /** As containers name it, with its tag. */
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly platforms: readonly PlatformImage[];
}

/** Compresses a layer. Node's zlib is part of Node, whose version the project fixes: so the bits are the same everywhere. */
export function layerOf(said: string, archive: Buffer): Layer {
  return { blob: gzipSync(archive), diffId: digestOf(archive), said };
}

/** Writes an archive with the image for all its platforms. */
export function writeArchive(image: Image, file: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-oci-'));
  try {
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    writeLayout(image, folder);
    tar([...sameBits, '-C', folder, '-cf', file, 'blobs', 'index.json', 'oci-layout']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeLayout({ name, created, annotations, platforms }: Image, folder: string): void {
  const add = (mediaType: string, content: Buffer | object): Descriptor => {
    const blob = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(blob);
    writeFileSync(join(folder, 'blobs', digest.replace(':', '/')), blob);
    return { mediaType, digest, size: blob.length };
  };
  const manifests = platforms.map(({ platform, layers, config }) => {
    const of = { architecture: platform.name, os: 'linux' };
    const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
    const history = layers.map(({ said }) => ({ created, created_by: said }));
    const manifest = {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: add(types.config, { created, ...of, config, rootfs, history }),
      layers: layers.map(({ blob }) => add(types.layer, blob)),
      annotations,
    };
    return { ...add(types.manifest, manifest), platform: of };
  });
  const index = add(types.index, { schemaVersion: 2, mediaType: types.index, manifests, annotations });
  const tag = name.slice(name.lastIndexOf(':') + 1);
  const named = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag };
  const top = { schemaVersion: 2, mediaType: types.index, manifests: [{ ...index, annotations: named }] };
  writeFileSync(join(folder, 'index.json'), JSON.stringify(top));
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
