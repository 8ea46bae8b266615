// npm run gen -- transcripts: runs the commands of the guides in docs/ in a lab, and writes their output below them.
//
// A guide marks a block with a comment before its fence. `<!-- manifest -->`: YAML to apply; the tool waits for its pods.
// `<!-- manifest: broken -->`: it does not wait for them. `<!-- transcript -->`: each line that begins with `$ ` is a command
// (kubectl, orbctl or sed). The lines after it are replaced. What a command only reads is read again for a while, until it
// says what the guide shows. `<!-- transcript: refused -->`: the commands must fail, and the guide shows why.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '#program';

const root = join(import.meta.dirname, '..');
const names = ['coordinator', 'service-access', 'data-forwarding', 'multi-nic'];
names.push('underlay-service', 'fixed-addresses', 'orbctl', 'troubleshooting', 'veth-host');
const guides = names.map((name) => `docs/${name}.md`);
const orbctl = join(root, 'dist/orbctl.mjs');
const BLOCK = /<!-- (manifest|transcript)(?:: (broken|refused))? -->\n```(\w+)\n([\s\S]*?)\n```/g;

/**
 * Values that differ between labs, and their placeholders, which keep the columns of tables. MAC addresses that a prefix
 * or an overlay fixes stay.
 */
const masks: readonly [RegExp, string][] = [
  [/\b(?!ee:ee:|0a:1b:|ff:ff:)[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, '<mac>'],
  [/\bveth[0-9a-f]{11}\b/g, 'veth<id>'],
  [/\bcali[0-9a-f]{11}\b/g, 'cali<id>'],
  [/\bfe80::(?!ecee:eeff:feee:eeee)[0-9a-f:]+/g, '<link-local>'],
  [/@if\d+/g, '@if<n>'],
  [/[ \t]+$/gm, ''],
  [/link-netnsid \d+/g, 'link-netnsid <n>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<date>T<time-of-day>'],
  [/\bcontainer [0-9a-f]{12}\b/g, 'container <id>'],
  [/^Waiting for .*\n/gm, ''],
  // kubectl 1.33 and newer name the namespace.
  [/ deleted from \w+ namespace$/gm, ' deleted'],
  // A pod of the DaemonSet in underlay-service.md: which of the two has which address differs.
  [/\bipvlan-[0-9a-z]{5}\b/g, 'ipvlan-<id>'],
  [/\b10\.6\.0\.10\d\b(?!-)/g, '10.6.0.10<n>'],
];
/** Commands that are repeated until they say what the guide shows. `orbctl gc` frees addresses, so it runs once. */
const READS = /^(?:kubectl get|orbctl gc --dry-run|orbctl (?!gc\b)\w+) /;
/** How long a command that reads may say something else than the guide shows. */
const PATIENCE_MS = 15_000;

/** A lab that runs until it is stopped, and the environment for commands that use it. */
class Lab {
  readonly #process: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ow-transcripts-'));
  #environment: NodeJS.ProcessEnv = {};

  constructor() {
    this.#process = spawn(process.execPath, [orbctl, 'lab'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const program = join(this.#folder, 'orbctl');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${orbctl}' "$@"\n`);
    chmodSync(program, 0o755);
  }

  async ready(): Promise<void> {
    let said = '';
    for await (const chunk of this.#process.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      said += String(chunk);
      if (said.includes('Look around')) break;
    }
    const kubeconfig = /export KUBECONFIG=(\S+)/.exec(said)?.[1];
    if (kubeconfig === undefined) throw new Error(`the lab did not start:\n${said}`);
    // An unread pipe would block the lab.
    this.#process.stdout?.resume();
    const { PATH = '' } = process.env;
    this.#environment = {
      ...process.env,
      KUBECONFIG: kubeconfig,
      PATH: `${this.#folder}:${PATH}`,
      HOME: this.#folder,
    };
  }

  /** The output of a command. `orbctl` ends with 1 when its answer is no, and a guide may show that. */
  run(command: string, input?: string): string {
    const run = this.#start(command, input);
    const saysNo = command.startsWith('orbctl ') && run.status === 1 && run.stdout !== '';
    if (run.status !== 0 && !saysNo) throw new Error(`${command} failed:\n${run.stdout}${run.stderr}`);
    return run.stdout.trimEnd();
  }

  /** What a command says that is refused. */
  refusal(command: string): string {
    const run = this.#start(command);
    if (run.status !== 1) throw new Error(`${command} was not refused:\n${run.stdout}${run.stderr}`);
    return `${run.stdout}${run.stderr}`.trimEnd();
  }

  #start(command: string, input = '') {
    return spawnSync('sh', ['-c', command], { encoding: 'utf8', env: this.#environment, input });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGINT');
      await once(this.#process, 'exit');
    }
    rmSync(this.#folder, { recursive: true });
  }
}

/** The last part of an automatic pool's name. The mask has the same width, because names stand in columns. */
const AUTOMATIC_POOL = /(?<=\bauto-\S+-)[0-9a-f]{5,}\b/g;

function masked(text: string): string {
  const named = text.replace(AUTOMATIC_POOL, (id) => 'x'.repeat(id.length));
  return masks.reduce((masking, [what, standIn]) => masking.replace(what, standIn), named);
}

/** Runs a guide from top to bottom, and returns it with the new output. */
async function renewed(guide: string, lab: Lab): Promise<string> {
  const applied: string[] = [];
  const parts: string[] = [];
  let end = 0;
  for (const { 0: whole, 1: kind, 2: trouble, 3: language, 4: body = '', index } of guide.matchAll(BLOCK)) {
    parts.push(guide.slice(end, index));
    end = index + whole.length;
    if (kind === 'manifest') {
      lab.run('kubectl apply -f -', body);
      // Delete pods before the pools of their addresses.
      applied.unshift(...body.split('\n---\n').toReversed());
      if (trouble !== 'broken') lab.run('kubectl wait --for=condition=Ready --timeout=180s pods --all');
      parts.push(whole);
      continue;
    }
    const shown: string[] = [];
    for (const step of stepsOf(body)) {
      const answer = trouble === 'refused' ? masked(lab.refusal(step.command)) : await said(step, lab);
      shown.push(`$ ${step.command}\n${answer}`.trimEnd());
    }
    const [comment = ''] = whole.split('\n');
    parts.push(`${comment}\n\`\`\`${language}\n${shown.join('\n\n')}\n\`\`\``);
  }
  for (const body of applied) lab.run('kubectl delete --ignore-not-found -f -', body);
  return parts.join('') + guide.slice(end);
}

/** A command, and what the guide says that it prints. */
interface Step {
  readonly command: string;
  readonly shown: string;
}

function stepsOf(body: string): Step[] {
  return body.split(/^\$ /m).flatMap((text) => {
    const [command = '', ...lines] = text.split('\n');
    if (command === '') return [];
    if (!/^(kubectl|orbctl|sed) /.test(command))
      throw new Error(`a guide may run only kubectl, orbctl and sed: ${command}`);
    return { command, shown: lines.join('\n').trimEnd() };
  });
}

async function said({ command, shown }: Step, lab: Lab): Promise<string> {
  const deadlineMs = performance.now() + (READS.test(command) ? PATIENCE_MS : 0);
  for (;;) {
    const text = masked(lab.run(command)).trimEnd();
    if (text === shown || performance.now() > deadlineMs) return text;
    await sleep(500);
  }
}

/** Resolves with 1 if it only checks, and a guide does not show what its commands print. */
async function renewGuides(onlyChecks: boolean): Promise<number> {
  const lab = new Lab();
  let isStale = false;
  try {
    await lab.ready();
    for (const path of guides) {
      const file = join(root, path);
      const before = readFileSync(file, 'utf8');
      const text = await renewed(before, lab);
      if (text === before) {
        console.log(`as it was ${path}`);
        continue;
      }
      isStale = true;
      if (!onlyChecks) writeFileSync(file, text);
      console.log(onlyChecks ? `stale     ${path}\n${firstDifference(before, text)}` : `wrote     ${path}`);
    }
    return onlyChecks && isStale ? 1 : 0;
  } finally {
    await lab.stop();
  }
}

function firstDifference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const at = old.findIndex((line, i) => line !== now[i]);
  return `  line ${at + 1} is   ${old[at]}\n  and must be ${now[at] ?? 'gone'}`;
}

const USAGE = `usage: npm run gen -- transcripts [--check]
Runs the commands of the guides in docs/ in a lab, and writes their output below them.
--check  writes nothing, and ends with 1 if a guide shows something else`;
await runProgram({
  name: 'transcripts',
  usage: USAGE,
  options: { check: { type: 'boolean', default: false } },
  run: ({ values }) => renewGuides(values.check),
});
