// Runs one CNI plugin: environment and configuration in, result or error out (CNI specification 1.1, section 2).

import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { type CniVerb, cniErrorBodySchema } from '#api';
import { type LogFields, OrbError } from '#base';

/** One call of a plugin. */
export interface PluginCall {
  readonly verb: CniVerb;
  readonly type: string;
  /** The name of the network, for messages. */
  readonly network: string;
  /** CNI_* variables besides CNI_COMMAND and CNI_PATH. */
  readonly variables: Readonly<Record<string, string>>;
  /** The JSON on standard input. */
  readonly conf: Readonly<Record<string, unknown>>;
}

/** Runs a plugin and resolves with its output, parsed; undefined if there was none. */
export type RunPlugin = (call: PluginCall) => Promise<unknown>;

export interface PluginRunnerOptions {
  /** The folders of plugins, in the order of the search. */
  readonly folders: readonly string[];
  /** The environment that plugins inherit. */
  readonly environment: NodeJS.ProcessEnv;
  /** Gets what a successful plugin wrote to standard error. */
  readonly onStderr: (fields: LogFields, text: string) => void;
}

/** How long the runtime waits for one plugin. */
const TIMEOUT_MS = 120_000;

/** Runs executables from the given folders. */
export function pluginRunner({ folders, environment, onStderr }: PluginRunnerOptions): RunPlugin {
  return async (call) => {
    const path = await findPlugin(call, folders);
    const env = {
      ...environment,
      ...call.variables,
      CNI_COMMAND: call.verb,
      CNI_PATH: folders.join(':'),
    };
    const { code, stdout, stderr } = await runToEnd(path, env, JSON.stringify(call.conf));
    if (code !== 0) throw failed(call, errorOf(stdout, stderr, code));
    if (stderr.trim() !== '') onStderr({ type: call.type, verb: call.verb }, stderr.trim());
    return parseOutput(call, stdout);
  };
}

async function findPlugin(call: PluginCall, folders: readonly string[]): Promise<string> {
  for (const folder of call.type.includes('/') ? [] : folders) {
    const path = join(folder, call.type);
    if (await isExecutable(path)) return path;
  }
  throw failed(call, `failed to find plugin ${JSON.stringify(call.type)} in path [${folders.join(' ')}]`);
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function runToEnd(path: string, env: NodeJS.ProcessEnv, input: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(path, { env, stdio: 'pipe', timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const end = (code: number | string) =>
      resolve({
        code,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {}); // it ended without reading: its exit code says why
    child.stdin.end(input);
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(code ?? `signal ${signal}`));
  });
}

/** The error that a plugin printed, in libcni's form `msg; details`. Without such an error, all that the plugin printed. */
function errorOf(stdout: string, stderr: string, code: number | string): string {
  const body = cniErrorBodySchema.safeParse(tryJson(stdout));
  if (body.success) {
    const { msg, details = '' } = body.data;
    return details === '' ? msg : `${msg}; ${details}`;
  }
  const said = (stderr.trim() || stdout.trim()).slice(0, 2000);
  return said === ''
    ? `netplugin failed with no error message: exit status ${code}`
    : `netplugin failed: ${said}`;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // This is no CNI error: the caller shows the text itself.
  }
}

function parseOutput(call: PluginCall, stdout: string): unknown {
  if (stdout.trim() === '') return undefined;
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw failed(call, `its output is not JSON: ${stdout.slice(0, 200)}`, cause);
  }
}

/** In libcni's words: `plugin type="macvlan" name="lan" failed (add): …`. */
function failed({ type, network, verb }: PluginCall, said: string, cause?: unknown): OrbError {
  return new OrbError('LAB_PLUGIN_FAILED', {
    message: `plugin type=${JSON.stringify(type)} name=${JSON.stringify(network)} failed (${verb.toLowerCase()})`,
    subject: `plugin ${type}`,
    said,
    ...(cause !== undefined && { cause }),
  });
}
