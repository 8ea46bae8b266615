// For root tests: runs the CNI project's own plugins in a node's namespace, as a runtime runs them.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's package containernetworking-plugins installs the reference plugins here. */
const folder = '/usr/lib/cni';

/** The input of a plugin. */
export interface ReferenceCall {
  readonly command: 'ADD' | 'CHECK' | 'DEL';
  readonly containerId: string;
  readonly interfaceName: string;
  readonly netns: string;
  readonly conf: { readonly type: string } & Readonly<Record<string, unknown>>;
  /** Folders of the plugins that this plugin delegates to. */
  readonly path?: string;
}

/** A reason to skip the test if the plugin is not installed, else false. */
export function skipWithout(plugin: string): string | false {
  return existsSync(join(folder, plugin)) ? false : `no ${join(folder, plugin)}`;
}

/** The plugin's answer; undefined if its output is empty. Throws the plugin's own error text. */
export function runReferencePlugin(node: string, call: ReferenceCall): unknown {
  const { command, containerId, interfaceName, netns, conf, path = folder } = call;
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: interfaceName,
    CNI_PATH: path,
    PATH: process.env.PATH,
  };
  const input = JSON.stringify({ cniVersion: '1.0.0', name: 'net', ...conf });
  const words = ['netns', 'exec', node, join(folder, conf.type)];
  try {
    const answer = execFileSync('ip', words, { input, env, encoding: 'utf8', stdio: 'pipe' });
    return answer === '' ? undefined : JSON.parse(answer);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${conf.type} ${command}: ${stdout}${stderr}`);
  }
}
