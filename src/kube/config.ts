// How to reach an API server, and with which identity: from a kubeconfig file, or from the files of a pod's service
// account.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { OrbError } from '#base';
import type { TlsIdentity } from '#http';

/** Everything the client needs to know about its server. */
export interface KubeConfig {
  /** `http://127.0.0.1:6443` or `https://…`. A path in it is put before every request's path. */
  readonly server: URL;
  readonly tls: TlsIdentity;
  /**
   * The value of the Authorization header for a request sent now. Token files are read again because tokens rotate: at times,
   * and at once for a value that the server has just refused.
   */
  readonly authorization: (refused?: string) => string | undefined;
  /** The namespace of the context, or `default` if it names none. */
  readonly namespace: string;
}

/**
 * Kubelet rotates a projected token at 80 % of its lifetime, which is an hour or more. Reading it once a minute is
 * often enough.
 */
const TOKEN_REREAD_MS = 60_000;

const kubeconfigSchema = z.object({
  'current-context': z.string().default(''),
  clusters: z
    .array(
      z.object({
        name: z.string(),
        cluster: z.object({
          server: z.string(),
          'certificate-authority': z.string().optional(),
          'certificate-authority-data': z.string().optional(),
          'insecure-skip-tls-verify': z.boolean().optional(),
          'tls-server-name': z.string().optional(),
        }),
      }),
    )
    .default([]),
  users: z
    .array(
      z.object({
        name: z.string(),
        user: z
          .object({
            token: z.string().optional(),
            tokenFile: z.string().optional(),
            username: z.string().optional(),
            password: z.string().optional(),
            'client-certificate': z.string().optional(),
            'client-certificate-data': z.string().optional(),
            'client-key': z.string().optional(),
            'client-key-data': z.string().optional(),
            exec: z.unknown().optional(),
            'auth-provider': z.unknown().optional(),
          })
          .nullish(),
      }),
    )
    .default([]),
  contexts: z
    .array(
      z.object({
        name: z.string(),
        context: z.object({
          cluster: z.string(),
          user: z.string().optional(),
          namespace: z.string().optional(),
        }),
      }),
    )
    .default([]),
});

type Cluster = z.infer<typeof kubeconfigSchema>['clusters'][number]['cluster'];
type User = NonNullable<z.infer<typeof kubeconfigSchema>['users'][number]['user']>;

/** Reads the kubeconfig file at `path`. `context` overrides its current context. */
export function kubeconfigFile(path: string, context?: string): KubeConfig {
  const subject = `kubeconfig ${path}`;
  const parsed = kubeconfigSchema.safeParse(parseText(readText(path, subject), subject));
  if (!parsed.success) throw invalid(subject, `is not a kubeconfig: ${z.prettifyError(parsed.error)}`);
  const file = parsed.data;
  const contextName = context ?? file['current-context'];
  const chosen = named(file.contexts, contextName, subject, 'context').context;
  const cluster = named(file.clusters, chosen.cluster, subject, 'cluster').cluster;
  const user = chosen.user === undefined ? {} : (named(file.users, chosen.user, subject, 'user').user ?? {});
  // Relative file names are relative to the kubeconfig's own folder (client-go, ResolveLocalPaths).
  const base = dirname(resolve(path));
  return {
    server: serverUrl(cluster.server, subject),
    tls: tlsOf(cluster, user, base, subject),
    authorization: authorizationOf(user, base, subject),
    namespace: chosen.namespace ?? 'default',
  };
}

/** Where Kubernetes mounts a pod's service account. */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The configuration in a pod. `env` holds KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
export function inClusterConfig(
  env: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT_FOLDER,
): KubeConfig {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const subject = 'in-cluster configuration';
  if (host === undefined || port === undefined) {
    throw invalid(
      subject,
      'needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which are set only inside a pod',
    );
  }
  return {
    server: serverUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, subject),
    tls: { ca: readText(`${folder}/ca.crt`, subject) },
    authorization: bearerOfFile(`${folder}/token`, subject),
    namespace: readText(`${folder}/namespace`, subject).trim(),
  };
}

function tlsOf(cluster: Cluster, user: User, base: string, subject: string): TlsIdentity {
  const pem = (data: string | undefined, file: string | undefined): string | undefined => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString();
    return file === undefined ? undefined : readText(resolve(base, file), subject);
  };
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const cert = pem(user['client-certificate-data'], user['client-certificate']);
  const key = pem(user['client-key-data'], user['client-key']);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(cluster['tls-server-name'] !== undefined && { servername: cluster['tls-server-name'] }),
    ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
  };
}

function authorizationOf(user: User, base: string, subject: string): () => string | undefined {
  if (user.exec !== undefined || user['auth-provider'] !== undefined) {
    throw invalid(
      subject,
      'users[].user.exec and auth-provider are not supported: use a token, a tokenFile or a client certificate',
    );
  }
  // Like client-go, prefers tokenFile, which rotates, to a token beside it.
  if (user.tokenFile !== undefined) return bearerOfFile(resolve(base, user.tokenFile), subject);
  if (user.token !== undefined) {
    const bearer = `Bearer ${user.token}`;
    return () => bearer;
  }
  if (user.username !== undefined) {
    const basic = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
    return () => basic;
  }
  return () => undefined;
}

function bearerOfFile(path: string, subject: string): (refused?: string) => string {
  let bearer = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return (refused) => {
    if (refused === bearer || performance.now() - readAt > TOKEN_REREAD_MS) {
      bearer = `Bearer ${readText(path, subject).trim()}`;
      readAt = performance.now();
    }
    return bearer;
  };
}

function named<E extends { readonly name: string }>(
  entries: readonly E[],
  name: string,
  subject: string,
  field: string,
): E {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const known = entries.map((candidate) => candidate.name).join(', ');
  throw invalid(subject, `names no ${field} "${name}"; it has ${known === '' ? 'none' : known}`);
}

function serverUrl(text: string, subject: string): URL {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(subject, `server "${text}" must be an http or https URL`);
  }
  return url;
}

function parseText(text: string, subject: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw new OrbError('INPUT_INVALID', { message: `${subject} is not YAML`, subject, cause: error });
  }
}

function readText(path: string, subject: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OrbError('INPUT_INVALID', {
      message: `${subject}: cannot read ${path}`,
      subject,
      cause: error,
    });
  }
}

function invalid(subject: string, message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message: `${subject} ${message}`, subject });
}
