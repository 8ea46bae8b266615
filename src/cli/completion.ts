// `orbctl completion SHELL` prints the script that completes orbctl's words. At each Tab, the script asks `orbctl complete`.

import { type Application, buildCommand, type Command } from '@stricli/core';
import { proposals, shellScript, shells } from './completion/index.ts';
import { type Context, text } from './context.ts';

export const completion = buildCommand<Record<never, never>, [string], Context<unknown>>({
  docs: {
    brief: 'Prints the completion script of a shell: bash, zsh or fish',
    fullDescription: [
      'bash: source <(orbctl completion bash)              in ~/.bashrc',
      'zsh:  source <(orbctl completion zsh)               in ~/.zshrc, after compinit',
      'fish: orbctl completion fish | source               in ~/.config/fish/config.fish',
    ].join('\n'),
  },
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: shells.join(', '),
          parse: text,
          placeholder: 'shell',
          proposeCompletions: (partial) => shells.filter((shell) => shell.startsWith(partial)),
        },
      ],
    },
  },
  func(_flags, shell) {
    this.process.stdout.write(shellScript(shell));
  },
});

/** Prints the completions of the last word, one a line, each with its meaning after a tab. */
export function completeCommand<Doings>(app: () => Application<Context<Doings>>): Command<Context<Doings>> {
  return buildCommand<Record<never, never>, string[], Context<Doings>>({
    docs: { brief: 'Completes the last of the words (for shells)' },
    parameters: {
      positional: {
        kind: 'array',
        parameter: { brief: 'The words after orbctl', parse: text, placeholder: 'word' },
      },
    },
    async func(_flags, ...words) {
      const found = await proposals(app(), words, this);
      this.process.stdout.write(found.map(({ word, brief }) => `${word}\t${brief}\n`).join(''));
    },
  });
}
