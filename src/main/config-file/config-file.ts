// `conf.yml` of the ConfigMap spiderpool-conf, which agent and controller share.

import { existsSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type AgentConfig, parseAgentConfig } from '#api';
import { errorText, OrbError } from '#base';

/** Where Spiderpool's chart mounts it. */
export const CONFIG_PATH = '/tmp/spiderpool/config-map/conf.yml';

/** Without a file, a program does what Spiderpool's chart switches on: both families, fixed addresses and automatic pools. */
const DEFAULT_FILE =
  'enableIPv4: true\nenableIPv6: true\nenableStatefulSet: true\nenableKubevirtStaticIP: true\n' +
  'enableSpiderSubnet: true\nenableAutoPoolForApplication: true\n';

/** @throws OrbError INPUT_INVALID, which names the key */
export function readConfigFile(path: string): AgentConfig {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : DEFAULT_FILE;
  return parseAgentConfig(yamlOf(path, text));
}

function yamlOf(path: string, text: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    const message = `the agent's configuration ${path} is not YAML`;
    throw new OrbError('INPUT_INVALID', { message, subject: path, said: errorText(cause).trim(), cause });
  }
}
