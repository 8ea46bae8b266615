// The files of a layer, in a folder: put together from packages and texts, then written as a tar archive that has the same bits
// whenever and wherever it is made.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DebianPackage } from './debian.ts';

/** Debian keeps files outside of /usr only by name: these are links into it. */
const merged = ['bin', 'sbin', 'lib', 'lib64'];

/** What a running program needs no part of. The licences in `copyright` files stay. */
const unneeded = [
  './usr/share/doc/*/changelog*',
  './usr/share/doc/*/[A-Z]*',
  './usr/share/doc/*/examples*',
  './usr/share/doc/*/html*',
  './usr/share/lintian',
  './usr/share/man',
  './usr/share/info',
  './usr/share/locale',
  './usr/share/bug',
  // Character sets of iconv, and what gdb shows of C++.
  './usr/lib/*/gconv',
  './usr/lib/*/audit',
  './usr/share/gcc',
  './usr/share/gdb',
];

export class Tree {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Makes the links of Debian's merged /usr. They must be there before the first package is unpacked. */
  mergeUsr(): void {
    for (const name of merged) {
      mkdirSync(join(this.folder, 'usr', name), { recursive: true });
      symlinkSync(`usr/${name}`, join(this.folder, name));
    }
  }

  /**
   * Unpacks a package, and records it where scanners of images look for packages without dpkg's database
   * (`/var/lib/dpkg/status.d`, as in distroless images).
   */
  unpack(deb: DebianPackage): void {
    const archive = spawnSync('dpkg-deb', ['--fsys-tarfile', deb.file], { maxBuffer: 1 << 30 });
    if (archive.status !== 0) throw new Error(`dpkg-deb ${deb.file}: ${String(archive.stderr)}`);
    const excludes = unneeded.map((pattern) => `--exclude=${pattern}`);
    const options = ['--keep-directory-symlink', '--no-same-owner', '-p', ...excludes];
    tar(['-x', ...options, '-C', this.folder], archive.stdout);
    this.write(`var/lib/dpkg/status.d/${deb.name}`, deb.control);
  }

  /** Unpacks some paths of a package of npm below `to`. */
  unpackNpm(archive: string, to: string, paths: readonly string[]): void {
    mkdirSync(join(this.folder, to), { recursive: true });
    const chosen = paths.map((path) => `package/${path}`);
    tar(['-xzf', archive, '--no-same-owner', '--strip-components=1', '-C', join(this.folder, to), ...chosen]);
  }

  write(path: string, content: string, mode = 0o644): void {
    const to = this.#place(path);
    writeFileSync(to, content);
    chmodSync(to, mode);
  }

  replaceByLink(path: string, target: string): void {
    rmSync(join(this.folder, path), { recursive: true });
    symlinkSync(target, join(this.folder, path));
  }

  copy(from: string, path: string, mode = 0o644): void {
    const to = this.#place(path);
    copyFileSync(from, to);
    chmodSync(to, mode);
  }

  #place(path: string): string {
    const to = join(this.folder, path);
    mkdirSync(dirname(to), { recursive: true });
    return to;
  }

  /** All files in an archive. */
  archive(): Buffer {
    return tar([...sameBits, '-C', this.folder, '-c', '.']);
  }
}

/** Options of tar by which the same files give the same bits: sorted, of root, without times. */
export const sameBits = [
  '--sort=name',
  '--mtime=@0',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--format=gnu',
];

/** Runs tar, and returns its standard output. */
export function tar(args: readonly string[], input?: Buffer): Buffer {
  const done = spawnSync('tar', args, { input, maxBuffer: 1 << 30 });
  if (done.status === 0) return done.stdout;
  throw new Error(`tar ${args.join(' ')}: ${done.error?.message ?? String(done.stderr)}`);
}
