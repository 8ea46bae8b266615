// Completion in the real shells: what a line becomes at Tab.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const program = join(import.meta.dirname, '../../dist/orbctl.mjs');

/** Bash takes the words, and answers in COMPREPLY. */
const inBash = `source <(orbctl completion bash)
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orbctl; printf '%s\\n' "\${COMPREPLY[@]}"`;

const inFish = `orbctl completion fish | source; complete -C "$argv"`;

/** Zsh completes on a terminal of its own, and shows what the line has become. */
const inZsh = `zmodload zsh/zpty
  zpty z 'PS1= TERM=dumb zsh -f -i'
  zpty -w z 'unsetopt zle; autoload -Uz compinit; compinit -u -D; source <(orbctl completion zsh); show() { print -r -- "LINE=<$BUFFER>" }; zle -N show; bindkey "^I" expand-or-complete; bindkey "^G" show; setopt zle; print READ""Y'
  zpty -r z said '*READY*'
  zpty -n -w z "$1"$'\\t\\a'
  zpty -r z said '*LINE=<*>*'
  zpty -d z
  print -r -- "$said"`;

describe('orbctl is completed', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ow-completion-'));
    const command = join(folder, 'orbctl');
    writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    chmodSync(command, 0o755);
  });

  after(() => rmSync(folder, { recursive: true }));

  function shell(name: string, ...args: readonly string[]): string {
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, HOME: folder };
    const { stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8', env, timeout: 60_000 });
    assert.equal(error, undefined);
    assert.equal(stderr, '');
    return stdout;
  }

  /** Shells that a Debian does not have by itself: where one is missing, its test says so. */
  const skipUnless = (name: string) => {
    const { error } = spawnSync(name, ['-c', 'exit']);
    return error === undefined ? false : `${name} is not on this machine`;
  };

  test('by bash: commands, options, their values, and nothing where a file name is expected', () => {
    const bash = (...words: string[]) =>
      shell('bash', '--norc', '-c', inBash, 'bash', 'orbctl', ...words)
        .trim()
        .split('\n');
    assert.deepEqual(bash('la'), ['lab']);
    assert.deepEqual(bash('lab', 'e'), ['exec']);
    assert.deepEqual(bash('trace', '--p'), ['--protocol', '--port']);
    assert.deepEqual(bash('trace', '--protocol', ''), ['tcp', 'udp', 'icmp']);
    assert.deepEqual(bash('help', 'ver'), ['version']);
    assert.deepEqual(bash('lab', 'exec', 'node1', '--', 'ls', '/et'), ['']);
    assert.doesNotMatch(bash('').join(' '), /complete|kubelet/);
  });

  test('by fish: each word with its description, and files where a file name is expected', {
    skip: skipUnless('fish'),
  }, () => {
    const fish = (line: string) => shell('fish', '--no-config', '-c', inFish, line);
    assert.equal(fish('orbctl la'), 'lab\tA cluster in namespaces of this machine\n');
    assert.match(fish('orbctl lab exec node1 -- ls /et'), /^\/etc\/$/m);
    assert.match(fish('orbctl trace --protocol u'), /^udp\t/);
  });

  test('by zsh: the word is completed on the line', { skip: skipUnless('zsh') }, () => {
    const zsh = (line: string) => /LINE=<(.*)>/.exec(shell('zsh', '-f', '-c', inZsh, 'zsh', line))?.[1];
    assert.equal(zsh('orbctl lab ex'), 'orbctl lab exec ');
    assert.equal(zsh('orbctl trace --prot'), 'orbctl trace --protocol ');
  });
});
