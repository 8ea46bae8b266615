// The cloud that environment variables name: an entry of clouds.yaml by OS_CLOUD, or the fields themselves as OS_*.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { type CloudConfig, cloudConfigOf, invalid } from './cloud-config.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What openstacksdk looks for, in this order. */
const FILE_NAMES = ['clouds.yaml', 'clouds.yml', 'clouds.json'];

const cloudsSchema = z.object({ clouds: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** Variables by the key of `auth` that each gives. */
const authVariables = {
  auth_url: 'OS_AUTH_URL',
  username: 'OS_USERNAME',
  user_id: 'OS_USER_ID',
  password: 'OS_PASSWORD',
  user_domain_name: 'OS_USER_DOMAIN_NAME',
  user_domain_id: 'OS_USER_DOMAIN_ID',
  project_name: 'OS_PROJECT_NAME',
  project_id: 'OS_PROJECT_ID',
  project_domain_name: 'OS_PROJECT_DOMAIN_NAME',
  project_domain_id: 'OS_PROJECT_DOMAIN_ID',
  application_credential_id: 'OS_APPLICATION_CREDENTIAL_ID',
  application_credential_name: 'OS_APPLICATION_CREDENTIAL_NAME',
  application_credential_secret: 'OS_APPLICATION_CREDENTIAL_SECRET',
} as const;

/** Variables by the key of the entry that each gives. */
const entryVariables = {
  auth_type: 'OS_AUTH_TYPE',
  region_name: 'OS_REGION_NAME',
  interface: 'OS_INTERFACE',
  cacert: 'OS_CACERT',
  cert: 'OS_CERT',
  key: 'OS_KEY',
} as const;

/**
 * The configuration of the named cloud: `cloud`, else OS_CLOUD, else OS_AUTH_URL and its companions. `home` is the
 * user's folder. Throws OPENSTACK_CONFIG_INVALID.
 */
export function cloudOf(
  environment: Environment,
  {
    cloud,
    home,
    folder,
  }: { readonly cloud?: string | undefined; readonly home: string; readonly folder: string },
): CloudConfig {
  const name = cloud ?? given(environment, 'OS_CLOUD');
  if (name !== undefined) return cloudOfFile(environment, name, home, folder);
  if (given(environment, 'OS_AUTH_URL') === undefined)
    throw invalid('environment', 'no cloud is named: set OS_CLOUD, or OS_AUTH_URL and its companions');
  const raw = { ...chosen(environment, entryVariables), auth: chosen(environment, authVariables) };
  return cloudConfigOf(raw, 'environment (OS_*)', folder);
}

/** An empty variable counts as unset. */
function given(environment: Environment, name: string): string | undefined {
  return environment[name] === '' ? undefined : environment[name];
}

function chosen(environment: Environment, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) => {
      const value = given(environment, name);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function cloudOfFile(environment: Environment, name: string, home: string, folder: string): CloudConfig {
  const path = given(environment, 'OS_CLIENT_CONFIG_FILE') ?? firstFile(home, folder);
  if (path === undefined)
    throw invalid(`cloud ${name}`, 'there is no clouds.yaml: set OS_CLIENT_CONFIG_FILE to its path');
  const secure = given(environment, 'OS_CLIENT_SECURE_FILE') ?? join(dirname(path), 'secure.yaml');
  const { [name]: open, ...others } = cloudsIn(path);
  if (open === undefined) {
    const known = Object.keys(others).join(', ');
    throw invalid(path, `has no cloud ${JSON.stringify(name)}; it has ${known === '' ? 'none' : known}`);
  }
  if (open.profile !== undefined || open.cloud !== undefined)
    throw invalid(`${path}, cloud ${name}`, 'profile is not supported: write auth_url and the other fields');
  const secret = existsSync(secure) ? cloudsIn(secure)[name] : undefined;
  return cloudConfigOf(merged(open, secret ?? {}), `${path}, cloud ${name}`, dirname(path));
}

function firstFile(home: string, folder: string): string | undefined {
  return [folder, join(home, '.config/openstack'), '/etc/openstack']
    .flatMap((place) => FILE_NAMES.map((name) => join(place, name)))
    .find((path) => existsSync(path));
}

function cloudsIn(path: string): Record<string, Record<string, unknown>> {
  let raw: unknown;
  try {
    raw = parseYaml(readFileSync(path, 'utf8'));
  } catch (cause) {
    // The words of the parser show the line, which may have a password.
    const { code } = cause as { code?: string };
    throw invalid(path, `cannot be read as YAML${code === undefined ? '' : ` (${code})`}`);
  }
  const parsed = cloudsSchema.safeParse(raw);
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error));
  return parsed.data.clouds;
}

/** secure.yaml's fields replace those of clouds.yaml; within `auth`, key by key. */
function merged(open: Record<string, unknown>, secret: Record<string, unknown>): Record<string, unknown> {
  return { ...open, ...secret, auth: { ...Object(open.auth), ...Object(secret.auth) } };
}
