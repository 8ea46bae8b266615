// npm run conformance: the black-box cases of the CNI specification for any plugin executable, in separate namespaces.
// With `stress`, it runs our own types under load (stress/main.ts).

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { didYouMean, OrbError } from '#base';
import { servedTypes } from '#cni';
import { type CommandLine, runProgram, TROUBLE, wholeNumber } from '#program';
import { lackingParts } from '../uml/kernel-part.ts';
import type { Outcome } from './case.ts';
import { run } from './kernel-state.ts';
import { type Profile, readProfile } from './profile.ts';
import { markdown, outcomesIn } from './report.ts';
import { runCases } from './suite.ts';

const pluginFolders = ['/opt/cni/bin', '/usr/lib/cni'];

const options = {
  'bin-dir': { type: 'string', multiple: true },
  profile: { type: 'string' },
  conf: { type: 'string' },
  case: { type: 'string', multiple: true },
  markdown: { type: 'string' },
  outcomes: { type: 'string' },
  // Options of the stress run only.
  kills: { type: 'string', default: '500' },
  parallel: { type: 'string', default: '100' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  // Set when this program has restarted itself inside separate namespaces.
  inside: { type: 'boolean', default: false },
} as const;

type Line = CommandLine<typeof options>;
type Values = Line['values'];

const fileOf = (name: string): string => join(import.meta.dirname, 'profiles', `${name}.json`);

/** The given types. The word `served` means all types of our agent that need no other servers. */
function typesOf(words: readonly string[]): string[] {
  return words.flatMap((word) => (word === 'served' ? served(true).filter((name) => !lackOf(name)) : word));
}

/** What this kernel lacks for the cases of a type, in words. Undefined if it lacks nothing. */
function lackOf(name: string): string | undefined {
  const lacking = lackingParts(readProfile(fileOf(name), '').needs);
  return lacking.length === 0 ? undefined : `this kernel has no ${lacking.join(', no ')}`;
}

/** The types of our agent that have cases here, or those that have none. */
function served(hasCases: boolean): string[] {
  return servedTypes.map(({ name }) => name).filter((name) => existsSync(fileOf(name)) === hasCases);
}

/** Throws INPUT_INVALID for a type without a description, and for a missing file. */
function checkType(type: string, { profile, conf }: Values): void {
  const missing = [profile, conf].find((file) => file !== undefined && !existsSync(file));
  if (missing !== undefined)
    throw new OrbError('INPUT_INVALID', { message: `the file ${missing} does not exist` });
  if (type === 'stress' || profile !== undefined || conf !== undefined || existsSync(fileOf(type))) return;
  const known = readdirSync(join(import.meta.dirname, 'profiles')).map((name) => basename(name, '.json'));
  const message = `there is no profile of the type ${type}${didYouMean(type, known)}\nName its profile with --profile, or its network configuration with --conf.`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

/** A plugin's description: the named one, the runner's own one, or one that is made from a configuration. */
function profileOf(type: string, folder: string, values: Values): Profile {
  const own = fileOf(type);
  const file = values.profile ?? own;
  if (file === own && values.conf === undefined) return readProfile(own, folder);
  const profile = existsSync(file)
    ? readProfile(file, folder)
    : readProfile(join(import.meta.dirname, 'profiles/any.json'), folder);
  if (values.conf === undefined) return { ...profile, type };
  return { ...profile, type, conf: JSON.parse(readFileSync(values.conf, 'utf8')) as Profile['conf'] };
}

/** The profiles to run for a type: its own, and those that its profile adds. */
function withFurther(name: string, values: Values): string[] {
  const isOwn = values.profile === undefined && values.conf === undefined && existsSync(fileOf(name));
  return isOwn ? [name, ...readProfile(fileOf(name), '').also] : [name];
}

/** How many types are tested at once. A case mostly waits. */
const AT_ONCE = 2;

/** Tests each type in namespaces of its own. What a run printed comes as a whole, when it ends. */
async function outcomesOf(
  types: readonly string[],
  words: readonly string[],
): Promise<Map<string, Outcome[]>> {
  const found = new Map<string, Outcome[]>();
  const next = types.values();
  const worker = async () => {
    for (const type of next) found.set(type, await enterNamespaces(type, words));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return new Map(types.map((type) => [type, found.get(type) ?? []]));
}

/** Runs the same program in a separate network and mount namespace, so that it does not touch the machine's network. */
async function enterNamespaces(type: string, words: readonly string[]): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-conformance-'));
  const json = join(folder, 'outcomes.json');
  const options = process.argv.slice(2).filter((arg) => !words.includes(arg));
  const args = [
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    process.execPath,
    import.meta.filename,
  ];
  const child = spawn('unshare', [...args, ...options, type, '--inside', '--outcomes', json], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const [printed, failures] = await Promise.all([text(child.stdout), text(child.stderr)]);
    process.stdout.write(printed);
    process.stderr.write(failures);
    if (!existsSync(json)) throw new Error(`the runner failed to test ${type}`);
    return JSON.parse(readFileSync(json, 'utf8')) as Outcome[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function inside(type: string, values: Values): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-conformance-'));
  try {
    const profile = profileOf(type, folder, values);
    // ip-netns(8) stores its names in /run/netns.
    for (const path of new Set(['/run', ...profile.privateFolders])) {
      mkdirSync(path, { recursive: true });
      run('mount', ['-t', 'tmpfs', 'tmpfs', path]);
    }
    run('mount', ['-t', 'proc', 'proc', '/proc']);
    const outcomes = await runCases(
      type,
      profile,
      (values['bin-dir'] ?? pluginFolders).map((dir) => resolve(dir)),
      folder,
      (values.case ?? []).map(Number),
    );
    writeFileSync(values.outcomes ?? '/dev/null', JSON.stringify(outcomes));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the stress run, which prints its result itself. */
function underStress({ kills, parallel, seed }: Values): number {
  const program = join(import.meta.dirname, 'stress/main.ts');
  const { status } = spawnSync(process.execPath, [program, kills, parallel, seed], { stdio: 'inherit' });
  return status ?? TROUBLE;
}

/** Throws INPUT_INVALID when no type is given, when a type has no description, or when a number is invalid. */
function checkLine({ values, positionals }: Line): void {
  if (positionals.length === 0) {
    const message = `name at least one plugin type, for example: npm run conformance -- macvlan\n${usage}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
  }
  for (const type of typesOf(positionals)) checkType(type, values);
  for (const each of values.case ?? []) wholeNumber('--case', each, 1, 1000);
  for (const name of ['kills', 'parallel', 'seed'] as const)
    wholeNumber(`--${name}`, values[name], 0, 2 ** 31);
}

/** What the page shows so far. Types without a profile are gone, and leave the page. */
function shownIn(page: string): [string, Outcome[]][] {
  if (!existsSync(page)) return [];
  return [...outcomesIn(readFileSync(page, 'utf8'))].filter(([name]) => existsSync(fileOf(name)));
}

async function judge({ values, positionals }: Line): Promise<number> {
  const [type = ''] = positionals;
  if (type === 'stress') return underStress(values);
  if (process.getuid?.() !== 0) throw new Error('this makes network namespaces: run it as root');
  if (values.inside) {
    await inside(type, values);
    return 0;
  }
  for (const name of positionals.includes('served') ? served(false) : [])
    console.log(`skipped: ${name}, because it needs servers that this run does not have`);
  for (const name of positionals.includes('served') ? served(true) : []) {
    const lack = lackOf(name);
    if (lack !== undefined) console.log(`skipped: ${name}, because ${lack}: runs in npm run test:uml`);
  }
  const types = typesOf(positionals).flatMap((name) => withFurther(name, values));
  const all = await outcomesOf(types, positionals);
  const outcomes = [...all.values()].flat();
  if (values.outcomes !== undefined) writeFileSync(values.outcomes, JSON.stringify(outcomes));
  if (values.markdown !== undefined)
    writeFileSync(values.markdown, markdown(new Map([...shownIn(values.markdown), ...all])));
  const count = (verdict: Outcome['verdict']): number =>
    outcomes.filter((outcome) => outcome.verdict === verdict).length;
  const skipped = count('n/a') === 0 ? '' : `, ${count('n/a')} skipped`;
  console.log(`${count('ok')} passed, ${count('FAIL')} failed${skipped}`);
  return count('FAIL') === 0 ? 0 : 1;
}

const usage = `usage: npm run conformance -- TYPE ... [--bin-dir FOLDER ...] [--profile FILE] [--conf FILE] [--case N ...]
  [--markdown FILE] [--outcomes FILE]
The black-box cases of the CNI specification against any plugin executable, in namespaces of their own.
TYPE        the name of a plugin, or "served" for all types of our agent that have cases here
--bin-dir   where plugins are (default /opt/cni/bin and /usr/lib/cni)
--profile   what the plugin needs; --conf: its network configuration
--case      this case alone
--markdown  a page to write; a page that exists keeps the outcomes of other types
--outcomes  a JSON file to write
   or: npm run conformance -- stress [--kills N] [--parallel N] [--seed N]
Our own types, while processes are killed.`;
await runProgram({ name: 'conformance', usage, options, takesWords: true, check: checkLine, run: judge });
