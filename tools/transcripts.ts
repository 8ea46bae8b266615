// npm run gen -- transcripts: runs the commands of the guides in docs/ in a lab, and writes their output below them.
//
// A guide marks a block with a comment before its fence. `<!-- manifest -->`: YAML to apply; the tool waits for its pods.
// `<!-- transcript -->`: each line that begins with `$ ` is a command (kubectl or orbctl). The lines after it are replaced.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '#program';

const root = join(import.meta.dirname, '..');
const guides = ['coordinator', 'service-access', 'data-forwarding', 'multi-nic'].map(
  (name) => `docs/${name}.md`,
);
const orbctl = join(root, 'dist/orbctl.mjs');
const BLOCK = /<!-- (manifest|transcript) -->\n```(\w+)\n([\s\S]*?)\n```/g;

/** Values that differ between labs, and their placeholders. MAC addresses that a prefix or an overlay fixes stay. */
const masks: readonly [RegExp, string][] = [
  [/\b(?!ee:ee:|0a:1b:|ff:ff:)[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, '<mac>'],
  [/\bveth[0-9a-f]{11}\b/g, 'veth<id>'],
  [/\bcali[0-9a-f]{11}\b/g, 'cali<id>'],
  [/\bfe80::(?!ecee:eeff:feee:eeee)[0-9a-f:]+/g, '<link-local>'],
  [/@if\d+/g, '@if<n>'],
  [/[ \t]+$/gm, ''],
  [/link-netnsid \d+/g, 'link-netnsid <n>'],
];

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

  /** The output of a command. `orbctl trace` ends with 1 when the connection does not work, and a guide may show that. */
  run(command: string, input?: string): string {
    const run = spawnSync('sh', ['-c', command], {
      encoding: 'utf8',
      env: this.#environment,
      input: input ?? '',
    });
    const mayFail = command.startsWith('orbctl trace') && run.status === 1 && run.stdout !== '';
    if (run.status !== 0 && !mayFail) throw new Error(`${command} failed:\n${run.stdout}${run.stderr}`);
    return run.stdout.trimEnd();
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGINT');
      await once(this.#process, 'exit');
    }
    rmSync(this.#folder, { recursive: true });
  }
}

function masked(text: string): string {
  return masks.reduce((masking, [what, standIn]) => masking.replace(what, standIn), text);
}

/** Runs a guide from top to bottom, and returns it with the new output. */
function renewed(guide: string, lab: Lab): string {
  const applied: string[] = [];
  const text = guide.replace(BLOCK, (whole, kind: string, language: string, body: string) => {
    if (kind === 'manifest') {
      lab.run('kubectl apply -f -', body);
      // Delete pods before the pools of their addresses.
      applied.unshift(...body.split('\n---\n').toReversed());
      lab.run('kubectl wait --for=condition=Ready --timeout=180s pods --all');
      return whole;
    }
    const commands = body.split('\n').filter((line) => line.startsWith('$ '));
    const shown = commands.map((line) => `${line}\n${masked(lab.run(commandOf(line)))}`.trimEnd());
    return `<!-- transcript -->\n\`\`\`${language}\n${shown.join('\n\n')}\n\`\`\``;
  });
  for (const body of applied) lab.run('kubectl delete -f -', body);
  return text;
}

function commandOf(line: string): string {
  const command = line.slice(2);
  if (!/^(kubectl|orbctl) /.test(command))
    throw new Error(`a guide may run only kubectl and orbctl: ${command}`);
  return command;
}

async function renewGuides(): Promise<undefined> {
  const lab = new Lab();
  try {
    await lab.ready();
    for (const path of guides) {
      const file = join(root, path);
      const before = readFileSync(file, 'utf8');
      const text = renewed(before, lab);
      if (text !== before) writeFileSync(file, text);
      console.log(`${text === before ? 'as it was' : 'wrote    '} ${path}`);
    }
  } finally {
    await lab.stop();
  }
}

const USAGE = `usage: npm run gen -- transcripts
Runs the commands of the guides in docs/ in a lab, and writes their output below them.`;
await runProgram({ name: 'transcripts', usage: USAGE, options: {}, run: renewGuides });
