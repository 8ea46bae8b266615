// `orbctl help [COMMAND ...]` and `orbctl version`, besides the flags --help and --version.

import { type Application, buildCommand, type Command, run } from '@stricli/core';
import { type Context, jsonFlag, text } from './context.ts';

interface VersionFlags {
  readonly json: boolean;
}

/** Prints what `COMMAND --help` prints. */
export function helpCommand<Doings>(app: () => Application<Context<Doings>>): Command<Context<Doings>> {
  return buildCommand<Record<never, never>, string[], Context<Doings>>({
    docs: { brief: 'Shows how to use a command: orbctl help lab exec' },
    parameters: {
      positional: {
        kind: 'array',
        parameter: { brief: 'The command', parse: text, placeholder: 'command' },
      },
    },
    async func(_flags, ...words) {
      await run(app(), [...words, '--help'], this);
    },
  });
}

export function versionCommand<Doings>(version: string): Command<Context<Doings>> {
  return buildCommand<VersionFlags, [], Context<Doings>>({
    docs: { brief: 'Prints the version' },
    parameters: { flags: { json: jsonFlag } },
    func({ json }) {
      this.process.stdout.write(json ? `${JSON.stringify({ orbctl: version })}\n` : `orbctl ${version}\n`);
    },
  });
}
