// What every command gets from stricli: the streams of the process, and the functions that do the work, which are passed in.

import type { CommandContext, StricliProcess } from '@stricli/core';
import { didYouMean, OrbError } from '#base';

/** `this` of a command. Each command's file lists in `Doings` the functions that it calls. */
export interface Context<Doings> extends CommandContext {
  readonly process: StricliProcess;
  readonly commands: Doings;
}

/** The parser of a flag or argument that accepts any text. */
export const text = (input: string): string => input;

/** The name of a namespace (RFC 1123 label, as the API server asks for it). */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The parser of a flag that names a namespace. */
export function namespaceName(input: string): string {
  if (NAMESPACE.test(input)) return input;
  const allowed = '1 to 63 of a-z, 0-9 and -, and no - at either end';
  const message = `--namespace ${JSON.stringify(input)}: allowed are ${allowed}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

/** `-n`, with `aliases: { n: 'namespace' }`. */
export const namespaceFlag = {
  kind: 'parsed',
  parse: namespaceName,
  optional: true,
  placeholder: 'NAME',
  brief: 'Namespace of names without a namespace',
} as const;

/** Where the programs of Orbweaver run. */
export const installationFlag = {
  kind: 'parsed',
  parse: namespaceName,
  default: 'kube-system',
  placeholder: 'NAME',
  brief: 'Namespace of the controller and the agents',
} as const;

/** Where the agent of this node listens. */
export const socketFlag = {
  kind: 'parsed',
  parse: text,
  default: '/run/orbweaver/agent.sock',
  placeholder: 'FILE',
  brief: "The agent's socket",
} as const;

export const jsonFlag = { kind: 'boolean', default: false, withNegated: false, brief: 'As JSON' } as const;

export type OutputFormat = 'text' | 'json';

/** `-o json`, with `aliases: { o: 'output' }`. */
export const outputFlag = {
  kind: 'enum',
  values: ['text', 'json'],
  default: 'text',
  brief: 'How the answer is printed',
} as const;

/** The parser of a flag with few values. `option` is its name, as `--matrix`. */
export function oneOf<const Value extends string>(option: string, values: readonly Value[]) {
  return (input: string): Value => {
    const found = values.find((value) => value === input);
    if (found !== undefined) return found;
    const message = `${option} ${JSON.stringify(input)}: allowed are ${values.join(', ')}${didYouMean(input, values)}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
  };
}

export const stateFlag = {
  kind: 'parsed',
  parse: text,
  default: '/var/lib/orbweaver',
  placeholder: 'FOLDER',
  brief: "The agent's folder of records, which know the pods",
} as const;
