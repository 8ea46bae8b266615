// What is built from Go modules: once for each state of their sources, kept outside of the tree.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, kept } from './cache.ts';
import { run } from './command.ts';

const own = import.meta.dirname;

/** The version of Go, or undefined where there is none. */
export async function goVersion(): Promise<string | undefined> {
  return run(['go', 'env', 'GOVERSION']).then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** Where Go keeps the source of a module. `cwd` has a go.mod that says the version, or the name does after an `@`. */
export async function moduleSource(name: string, cwd: string = own): Promise<string> {
  const said = await run(['go', 'mod', 'download', '-json', name], { cwd });
  return (JSON.parse(said) as { readonly Dir: string }).Dir;
}

/** Programs that are built and kept together. */
export interface ProgramSet {
  /** What a first build says that it does. */
  readonly said: string;
  /** By name: the module that each is in, and what is built there. */
  readonly programs: Readonly<Record<string, Program>>;
}

interface Program {
  readonly module: string;
  readonly target: string;
  /** Whether it is told the version of Kubernetes that it is of. */
  readonly stamped: boolean;
  /** Whether its tests are built into a program. */
  readonly isTests?: true;
}

const cache = cacheFolder('kube');

/** The folder of the programs of a set. */
export function builtPrograms(go: string, { said, programs }: ProgramSet): Promise<string> {
  return kept(join(cache, keyOf(go, programs)), async (folder) => {
    console.log(`building ${said}`);
    await build(folder, programs);
  });
}

/** Without cgo Felix has stubs for libbpf, which it calls for its eBPF dataplane only. */
const environment = { CGO_ENABLED: '0' };
const buildFlags = ['-trimpath', '-ldflags'] as const;
const linkFlags = '-s -w';

function keyOf(go: string, programs: ProgramSet['programs']): string {
  const hash = createHash('sha256').update(
    JSON.stringify([go, programs, environment, buildFlags, linkFlags]),
  );
  for (const module of new Set(Object.values(programs).map((program) => program.module))) {
    for (const file of readdirSync(join(own, module)).toSorted()) {
      hash.update(`\0${module}/${file}\0`).update(readFileSync(join(own, module, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function build(folder: string, programs: ProgramSet['programs']): Promise<void> {
  for (const [name, { module, target, stamped, isTests }] of Object.entries(programs)) {
    const cwd = join(own, module);
    const link = stamped ? `${linkFlags} ${await versionStamp(cwd)}` : linkFlags;
    // vet would compile all of Kubernetes a second time.
    const verb = isTests ? ['test', '-c', '-vet=off'] : ['build'];
    await run(['go', ...verb, ...buildFlags, link, '-o', join(folder, name), target], {
      cwd,
      env: environment,
    });
  }
}

/** Without it they report v0.0.0-master, which misleads whatever reads a version: feature gates, clients, Node objects. */
async function versionStamp(cwd: string): Promise<string> {
  const said = await run(['go', 'list', '-m', '-f', '{{.Version}}', 'k8s.io/kubernetes'], { cwd });
  const version = said.trim();
  const [major = '', minor = ''] = version.slice(1).split('.');
  return Object.entries({ gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' })
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
}
