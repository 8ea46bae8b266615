// How to reach a cloud, and with which identity: the fields of an entry of clouds.yaml, checked.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { OrbError } from '#base';
import type { TlsIdentity } from '#http';

/** Which of a service's endpoints is asked. Keystone's catalog calls it `interface`. */
export type EndpointInterface = 'public' | 'internal' | 'admin';

/** A name within a domain, or an id, which needs none. */
export type Named = { readonly id: string } | { readonly name: string; readonly domain: Domain };
export type Domain = { readonly id: string } | { readonly name: string };

export type Login =
  | {
      readonly kind: 'password';
      readonly user: Named;
      readonly password: string;
      readonly project: Named;
    }
  /** It belongs to one project, so a login with it names none. */
  | {
      readonly kind: 'application credential';
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: Named };
      readonly secret: string;
    };

export interface CloudConfig {
  /** For messages: where this was read. */
  readonly source: string;
  /** Keystone, with `/v3`. */
  readonly authUrl: URL;
  readonly login: Login;
  /** Undefined: the catalog must have one region for each service that is asked. */
  readonly region: string | undefined;
  readonly interface: EndpointInterface;
  readonly tls: TlsIdentity;
}

const text = z.string().min(1).optional();

/** `auth` of an entry. Keys of other ways to log in are refused by {@link loginOf}, which names what is missing. */
const authSchema = z.object({
  auth_url: z.string(),
  username: text,
  user_id: text,
  password: text,
  user_domain_name: text,
  user_domain_id: text,
  project_name: text,
  project_id: text,
  project_domain_name: text,
  project_domain_id: text,
  application_credential_id: text,
  application_credential_name: text,
  application_credential_secret: text,
});

/** An entry of clouds.yaml, as openstacksdk reads it. Keys of other programs are ignored. */
export const entrySchema = z.object({
  auth: authSchema,
  auth_type: z.enum(['password', 'v3password', 'v3applicationcredential']).optional(),
  region_name: text,
  interface: z.enum(['public', 'internal', 'admin']).default('public'),
  cacert: text,
  cert: text,
  key: text,
  verify: z.boolean().default(true),
});

type Entry = z.infer<typeof entrySchema>;
type Auth = Entry['auth'];

/** Throws INPUT_INVALID with `source`, the field and what it lacks. Files of `folder` may be named relative to it. */
export function cloudConfigOf(raw: unknown, source: string, folder: string): CloudConfig {
  const parsed = entrySchema.safeParse(raw);
  if (!parsed.success) throw invalid(source, z.prettifyError(parsed.error));
  const entry = parsed.data;
  return {
    source,
    authUrl: authUrlOf(entry.auth.auth_url, source),
    login: loginOf(entry, source),
    region: entry.region_name,
    interface: entry.interface,
    tls: tlsOf(entry, source, folder),
  };
}

export function invalid(source: string, why: string, cause?: unknown): OrbError {
  const message = `${source}: ${why}`;
  return new OrbError('OPENSTACK_CONFIG_INVALID', {
    message,
    subject: source,
    ...(cause !== undefined && { cause }),
  });
}

function authUrlOf(given: string, source: string): URL {
  const url = URL.parse(given);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw invalid(source, `auth_url ${JSON.stringify(given)} must be an http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw invalid(source, 'auth_url must not contain a user or a password');
  const path = url.pathname.replace(/\/+$/, '');
  if (/\/v2(\.\d+)?$/.test(path)) throw invalid(source, `auth_url ${given} is of Keystone v2: name its /v3`);
  url.pathname = path.endsWith('/v3') ? path : `${path}/v3`;
  return url;
}

function loginOf({ auth, auth_type: type }: Entry, source: string): Login {
  const isCredential =
    type === 'v3applicationcredential' ||
    (type === undefined && auth.application_credential_secret !== undefined);
  return isCredential ? credentialLogin(auth, source) : passwordLogin(auth, source);
}

function credentialLogin(auth: Auth, source: string): Login {
  const { application_credential_id: id, application_credential_name: name } = auth;
  const secret = auth.application_credential_secret;
  if (secret === undefined) throw invalid(source, 'application_credential_secret is missing');
  if (id !== undefined) return { kind: 'application credential', credential: { id }, secret };
  if (name === undefined)
    throw invalid(
      source,
      'application_credential_id is missing, or application_credential_name and the user',
    );
  return { kind: 'application credential', credential: { name, user: userOf(auth, source) }, secret };
}

function passwordLogin(auth: Auth, source: string): Login {
  if (auth.password === undefined) throw invalid(source, 'password is missing');
  return {
    kind: 'password',
    user: userOf(auth, source),
    password: auth.password,
    project: named(auth, 'project', auth.project_id, auth.project_name, source),
  };
}

const userOf = (auth: Auth, source: string): Named =>
  named(auth, 'user', auth.user_id, auth.username, source);

function named(
  auth: Auth,
  what: 'user' | 'project',
  id: string | undefined,
  name: string | undefined,
  source: string,
): Named {
  if (id !== undefined) return { id };
  if (name === undefined)
    throw invalid(source, `${what === 'user' ? 'username' : 'project_name'} or ${what}_id is missing`);
  const domainId = auth[`${what}_domain_id`];
  const domainName = auth[`${what}_domain_name`];
  if (domainId !== undefined) return { name, domain: { id: domainId } };
  if (domainName !== undefined) return { name, domain: { name: domainName } };
  throw invalid(source, `${what}_domain_name or ${what}_domain_id is missing: most clouds have Default`);
}

function tlsOf({ cacert, cert, key, verify }: Entry, source: string, folder: string): TlsIdentity {
  const pem = (field: string, path: string | undefined) => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(resolve(folder, path), 'utf8');
    } catch (cause) {
      throw invalid(source, `cannot read ${field} ${path}`, cause);
    }
  };
  const texts = { ca: pem('cacert', cacert), cert: pem('cert', cert), key: pem('key', key) };
  return {
    ...(texts.ca !== undefined && { ca: texts.ca }),
    ...(texts.cert !== undefined && { cert: texts.cert }),
    ...(texts.key !== undefined && { key: texts.key }),
    ...(!verify && { rejectUnauthorized: false }),
  };
}
