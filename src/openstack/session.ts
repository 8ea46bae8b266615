// A login at Keystone, renewed before it ends: the token of every request, and the catalog.

import { z } from 'zod';
import { abortable, type Clock, OrbError } from '#base';
import type { Connections } from '#http';
import { type CatalogService, endpointOf, type ServiceType } from './catalog.ts';
import type { CloudConfig, Login, Named } from './cloud-config.ts';
import { type CloudAnswer, type CloudRequest, exchanged, jsonOf, malformed } from './exchange.ts';
import { readRefusal, refusalError } from './refusal.ts';
import { newRepeats, repeatAfterMs } from './repeats.ts';

const LOGIN_TIMEOUT_MS = 30_000;
/** A token is renewed when so much of its life is left, or a tenth of it if that is less. */
const RENEWED_BEFORE_MS = 300_000;

const answerSchema = z.object({
  token: z.object({
    issued_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    project: z.object({ id: z.string() }),
    roles: z.array(z.object({ name: z.string() })),
    catalog: z.array(
      z.object({
        type: z.string(),
        endpoints: z.array(
          z.object({ interface: z.string(), region: z.string().nullable().default(null), url: z.string() }),
        ),
      }),
    ),
  }),
});

interface Granted {
  readonly token: string;
  readonly projectId: string;
  readonly isAdmin: boolean;
  readonly catalog: readonly CatalogService[];
  /** On the clock that never jumps: Keystone's clock may differ from this machine's. */
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

/** What a request needs to be allowed. */
export interface Pass {
  readonly token: string;
  readonly projectId: string;
  /** The login may change what is of other projects. */
  readonly isAdmin: boolean;
  readonly endpoint: (type: ServiceType) => URL;
}

export class Session {
  readonly config: CloudConfig;
  readonly #connections: Connections;
  readonly #clock: Clock;
  #granted: Granted | undefined;
  /** At most one login runs; all wait for it. */
  #login: Promise<Granted> | undefined;

  constructor(config: CloudConfig, connections: Connections, clock: Clock) {
    this.config = config;
    this.#connections = connections;
    this.#clock = clock;
  }

  /** Logs in where there is no token, or where it ends soon. Throws OPENSTACK_LOGIN_REFUSED and OPENSTACK_UNREACHABLE. */
  async pass(signal?: AbortSignal): Promise<Pass> {
    const granted = await this.#current(signal);
    const { region, interface: wanted } = this.config;
    return {
      token: granted.token,
      projectId: granted.projectId,
      isAdmin: granted.isAdmin,
      endpoint: (type) => endpointOf(granted.catalog, type, { region, interface: wanted }),
    };
  }

  /** A server has refused this token: it is not used again. A newer one stays. */
  reject(token: string): void {
    if (this.#granted?.token === token) this.#granted = undefined;
  }

  async #current(signal: AbortSignal | undefined): Promise<Granted> {
    const granted = this.#granted;
    const now = this.#clock.monotonic();
    if (granted !== undefined && now < granted.renewAtMs) return granted;
    this.#login ??= this.#logIn().finally(() => {
      this.#login = undefined;
    });
    const renewal = signal === undefined ? this.#login : abortable(this.#login, signal);
    try {
      return await renewal;
    } catch (error) {
      signal?.throwIfAborted();
      // Keystone may be away for a while: the old token is still good.
      if (granted !== undefined && this.#granted === granted && now < granted.endsAtMs) return granted;
      throw error;
    }
  }

  async #logIn(): Promise<Granted> {
    const begunAtMs = this.#clock.monotonic();
    const { config } = this;
    const request: CloudRequest = {
      service: 'Keystone',
      server: config.authUrl,
      method: 'POST',
      path: '/auth/tokens',
      headers: {},
      body: { auth: identityOf(config.login) },
      action: `log in as ${describe(config.login)}`,
      lifeMs: LOGIN_TIMEOUT_MS,
      secrets: [secretOf(config.login)],
    };
    const answer = await this.#asked(request);
    const { action, service, secrets } = request;
    if (answer.status !== 201) {
      const context = { action, service, secrets, requestId: answer.requestId };
      throw refusalError(readRefusal(answer.status, answer.text), context);
    }
    const token = answer.headers['x-subject-token'];
    const parsed = answerSchema.safeParse(jsonOf(answer, request));
    if (typeof token !== 'string' || token === '') throw malformed(service, action, 'has no X-Subject-Token');
    if (!parsed.success) {
      // A token of no project lacks a catalog.
      throw malformed(service, action, `has another form: ${z.prettifyError(parsed.error)}`);
    }
    const { issued_at, expires_at, project, roles, catalog } = parsed.data.token;
    const lifeMs = Date.parse(expires_at) - Date.parse(issued_at);
    if (lifeMs <= 0)
      throw new OrbError('OPENSTACK_MALFORMED', { message: 'Keystone gave a token without a life' });
    this.#granted = {
      token,
      projectId: project.id,
      isAdmin: roles.some(({ name }) => name === 'admin'),
      catalog,
      renewAtMs: begunAtMs + lifeMs - Math.min(RENEWED_BEFORE_MS, lifeMs / 10),
      endsAtMs: begunAtMs + lifeMs,
    };
    return this.#granted;
  }

  /** Keystone's answer. A Keystone that is away for a moment is asked again, unless the old token is still good. */
  async #asked(request: CloudRequest): Promise<CloudAnswer> {
    const deadlineMs = this.#clock.monotonic() + LOGIN_TIMEOUT_MS;
    const waits = newRepeats();
    for (;;) {
      const answer = await exchanged(this.#connections, request).catch((error: OrbError) => error);
      const isError = answer instanceof OrbError;
      const waitMs = repeatAfterMs(true, isError ? undefined : answer, waits);
      const nowMs = this.#clock.monotonic();
      const isOver = nowMs + (waitMs ?? 0) >= deadlineMs || nowMs < (this.#granted?.endsAtMs ?? 0);
      if (waitMs === undefined || isOver) {
        if (isError) throw answer;
        return answer;
      }
      await this.#clock.sleep(waitMs);
    }
  }
}

/** For messages. It has no secret. */
function describe(login: Login): string {
  if (login.kind === 'password') return `user ${nameOf(login.user)}, project ${nameOf(login.project)}`;
  const { credential } = login;
  return `application credential ${'id' in credential ? credential.id : credential.name}`;
}

const nameOf = (named: Named): string => ('id' in named ? named.id : named.name);

export const secretOf = (login: Login): string => (login.kind === 'password' ? login.password : login.secret);

/** `auth` of POST /v3/auth/tokens. A scope beside an application credential is refused by Keystone. */
function identityOf(login: Login): unknown {
  if (login.kind === 'password') {
    const user = { ...login.user, password: login.password };
    return { identity: { methods: ['password'], password: { user } }, scope: { project: login.project } };
  }
  const credential = { ...login.credential, secret: login.secret };
  return { identity: { methods: ['application_credential'], application_credential: credential } };
}
