// The environment of a plugin: the CNI_* variables. Each verb has its own set (CNI specification 1.1, section 2).

import { OrbError } from '#base';
import { CNI_NAME } from './net-conf.ts';
import { INTERFACE_NAME } from './text-fields.ts';

export const cniVerbs = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;

export type CniVerb = (typeof cniVerbs)[number];

/** The variables that the shim passes on. */
export const cniVariables = [
  'CNI_COMMAND',
  'CNI_CONTAINERID',
  'CNI_NETNS',
  'CNI_IFNAME',
  'CNI_ARGS',
  'CNI_PATH',
  'CNI_NETNS_OVERRIDE',
] as const;

export type CniVariable = (typeof cniVariables)[number];
export type CniVariables = Readonly<Partial<Record<CniVariable, string>>>;

/** The checked environment. A field is undefined if its variable is absent or empty. */
export interface CniEnvironment {
  readonly verb: CniVerb;
  readonly containerId: string | undefined;
  /** Path of the pod's network namespace. */
  readonly netns: string | undefined;
  readonly interfaceName: string | undefined;
  /** Not parsed: see parseKubernetesArgs. */
  readonly args: string;
  /** Directories of plugins. */
  readonly path: readonly string[];
  /** Whether CNI_NETNS may be the plugin's own namespace (libcni's CNI_NETNS_OVERRIDE). */
  readonly ownNetnsAllowed: boolean;
}

/** The environment of a verb for one attachment. */
export interface AttachmentEnvironment extends CniEnvironment {
  readonly containerId: string;
  readonly interfaceName: string;
}

const required: Readonly<Record<CniVerb, readonly CniVariable[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  GC: ['CNI_PATH'],
  STATUS: [],
  VERSION: [],
};

/** Checks the variables. One error names every missing variable, and every wrong one with its value. */
export function parseCniEnvironment(variables: CniVariables): CniEnvironment {
  const verb = verbOf(variables);
  const missing = required[verb].filter((name) => !variables[name]);
  if (missing.length > 0) throw invalid(`required env variables [${missing.join(',')}] missing`);
  if (verb !== 'VERSION') checkForms(variables);
  return {
    verb,
    containerId: variables.CNI_CONTAINERID || undefined,
    netns: variables.CNI_NETNS || undefined,
    interfaceName: variables.CNI_IFNAME || undefined,
    args: variables.CNI_ARGS ?? '',
    path: (variables.CNI_PATH ?? '').split(':').filter((directory) => directory !== ''),
    ownNetnsAllowed: /^(1|true)$/i.test(variables.CNI_NETNS_OVERRIDE ?? ''),
  };
}

/** Narrows the type for ADD, DEL and CHECK. Their variables have been checked for presence. */
export function isAttachmentEnvironment(environment: CniEnvironment): environment is AttachmentEnvironment {
  return environment.containerId !== undefined && environment.interfaceName !== undefined;
}

function verbOf({ CNI_COMMAND: command }: CniVariables): CniVerb {
  if (!command) throw invalid('required env variables [CNI_COMMAND] missing');
  const verb = cniVerbs.find((candidate) => candidate === command);
  if (verb === undefined) {
    throw invalid(`unknown CNI_COMMAND: ${JSON.stringify(command)} is not one of ${cniVerbs.join(', ')}`);
  }
  return verb;
}

function checkForms({ CNI_CONTAINERID: containerId, CNI_IFNAME: interfaceName }: CniVariables): void {
  const wrong: string[] = [];
  if (containerId && !CNI_NAME.test(containerId)) {
    wrong.push(
      `CNI_CONTAINERID ${JSON.stringify(containerId)} has invalid characters: ` +
        'a letter or digit, then letters, digits, "_", "." and "-" are allowed',
    );
  }
  if (interfaceName && !INTERFACE_NAME.test(interfaceName)) {
    wrong.push(
      `CNI_IFNAME ${JSON.stringify(interfaceName)} is not a name of an interface: ` +
        '1 to 15 characters without "/", ":" and blanks are allowed, and not "." or ".."',
    );
  }
  if (wrong.length > 0) throw invalid(wrong.join('; '));
}

function invalid(message: string): OrbError {
  return new OrbError('CNI_ENVIRONMENT_INVALID', { message, subject: 'environment' });
}
