// npm run build: the CNI shim to dist/ow-cni, and every src/main/*.ts as one bundle to dist/<name>.mjs.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { runProgram } from '#program';

const root = join(import.meta.dirname, '..');
const shimFolder = join(root, 'shim');
const dist = join(root, 'dist');

/** How the shim is compiled; a test or a benchmark adds its own definitions and output. */
export interface ShimBuild {
  readonly output: string;
  /** Preprocessor definitions, e.g. `OW_SOCKET_PATH: '"/tmp/x"'`. */
  readonly definitions?: Readonly<Record<string, string>>;
  /** Instead of a small static executable, one that stops at the first memory error. */
  readonly sanitize?: boolean;
  /** C compilers, the best first; none means those of this machine. */
  readonly compilers?: readonly string[];
}

/** musl makes a static executable a tenth the size glibc does. */
const machineCompilers = ['musl-gcc', 'gcc'];

const warnings = ['-std=c11', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror'];
const small = ['-O2', '-static', '-s', '-ffunction-sections', '-Wl,--gc-sections'];
const hardened = ['-fstack-protector-strong', '-Wl,-z,relro,-z,now,-z,noexecstack'];
const sanitizers = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** The first C compiler of the list that is installed. */
function compiler(names: readonly string[]): string {
  const path = (process.env.PATH ?? '').split(':');
  const found = names.find((name) => path.some((folder) => existsSync(join(folder, name))));
  if (found === undefined) throw new Error(`no C compiler: install ${names.join(' or ')}`);
  return found;
}

/** Compiles one or more C files. Sanitizers and libraries for other programs need the machine's own C library, so `gcc`. */
export function compileC(
  sources: readonly string[],
  output: string,
  flags: readonly string[],
  compilers: readonly string[] = machineCompilers,
): void {
  const command = compiler(compilers);
  const temporary = `${output}.new`;
  const run = spawnSync(command, [...warnings, ...flags, '-o', temporary, ...sources], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${command} failed:\n${run.error?.message ?? run.stderr}`);
  renameSync(temporary, output);
}

/** Compiles the shim. */
export function compileShim({ output, definitions = {}, sanitize = false, compilers }: ShimBuild): void {
  const version = `OW_VERSION="${packageVersion()}"`;
  const defines = [version, ...Object.entries(definitions).map(([name, value]) => `${name}=${value}`)];
  const sources = readdirSync(shimFolder).filter((name) => name.endsWith('.c'));
  const flags = [
    ...(sanitize ? sanitizers : [...small, ...hardened]),
    ...defines.map((define) => `-D${define}`),
  ];
  compileC(
    sources.map((name) => join(shimFolder, name)),
    output,
    flags,
    sanitize ? ['gcc'] : compilers,
  );
}

function packageVersion(): string {
  const description: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return (description as { version: string }).version;
}

/** Everything the shim is made from, this file included. */
function shimInputs(): string[] {
  const sources = readdirSync(shimFolder).filter((name) => /\.[ch]$/.test(name));
  return [...sources.map((name) => join(shimFolder, name)), import.meta.filename, join(root, 'package.json')];
}

function buildShim(): string {
  const output = join(dist, 'ow-cni');
  const builtMs = existsSync(output) ? statSync(output).mtimeMs : 0;
  if (shimInputs().some((input) => statSync(input).mtimeMs >= builtMs)) compileShim({ output });
  return output;
}

/** The network program of the lab's pods and machines. */
function buildProbe(): string {
  const source = join(root, 'src/lab/trial/lab-probe.c');
  const output = join(dist, 'lab-probe');
  const builtMs = existsSync(output) ? statSync(output).mtimeMs : 0;
  // Sizes and ports in sockets' own types: too many conversions to spell out in a tool for the lab.
  if (statSync(source).mtimeMs >= builtMs) compileC([source], output, [...small, '-Wno-conversion']);
  return output;
}

async function buildPrograms(): Promise<string[]> {
  const folder = join(root, 'src/main');
  const mains = existsSync(folder)
    ? readdirSync(folder).filter(
        (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'index.ts',
      )
    : [];
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: mains.map((name) => join(folder, name)),
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // koffi finds its native half beside its own files.
    external: ['koffi'],
    sourcemap: true,
    logLevel: 'warning',
    write: false,
    // Dependencies in CommonJS ask for `require`; an ES module has none.
    banner: {
      js: "import { createRequire as nodeRequire } from 'node:module';\nconst require = nodeRequire(import.meta.url);",
    },
  });
  // A program that starts meanwhile reads a whole file.
  for (const { path, contents } of outputFiles) {
    writeFileSync(`${path}.new`, contents);
    renameSync(`${path}.new`, path);
  }
  return mains.map((name) => join(dist, `${basename(name, '.ts')}.mjs`));
}

async function buildAll(): Promise<undefined> {
  const started = performance.now();
  mkdirSync(dist, { recursive: true });
  for (const file of [buildShim(), buildProbe(), ...(await buildPrograms())]) {
    console.log(`dist/${basename(file)}  ${(statSync(file).size / 1024).toFixed(0)} kB`);
  }
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

if (import.meta.main) {
  const usage = 'usage: npm run build\nBundles the programs and compiles the C ones, to dist/.';
  await runProgram({ name: 'build', usage, options: {}, run: buildAll });
}
