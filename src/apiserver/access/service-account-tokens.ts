// Tokens of service accounts. The server signs them. They are valid until they expire, or the account or the
// node is deleted that they are bound to (RFC 7519; KEP-1205; KEP-4193).

import { createHmac, timingSafeEqual } from 'node:crypto';
import { isObject, type Json, type JsonObject, numberAt, stringAt, textsAt } from '../json.ts';
import type { Store } from '../store/index.ts';
import type { User } from './user.ts';

/** The issuer of tokens. It is also the audience of a token whose request names none. */
const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** A service account's name, and the UID of this account. */
export interface AccountName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A Node that a token is bound to. */
export interface BoundNode {
  readonly name: string;
  readonly uid: string;
}

/** The owner and the audiences of a token. */
export interface KnownToken {
  readonly user: User;
  readonly audiences: readonly string[];
}

export class ServiceAccountTokens {
  readonly #key: Buffer;
  readonly #store: Store;

  /** The key is derived from the administrator's token, so that tokens stay valid after a restart. */
  constructor(adminToken: string, store: Store) {
    this.#key = createHmac('sha256', adminToken).update('service account tokens').digest();
    this.#store = store;
  }

  issue(
    account: AccountName,
    audiences: readonly string[],
    { nowMs, seconds, node }: { nowMs: number; seconds: number; node?: BoundNode | undefined },
  ): string {
    const now = Math.floor(nowMs / 1000);
    const { namespace, name, uid } = account;
    const claims = {
      iss: ISSUER,
      sub: `system:serviceaccount:${namespace}:${name}`,
      aud: audiences.length === 0 ? [ISSUER] : [...audiences],
      iat: now,
      nbf: now,
      exp: now + seconds,
      'kubernetes.io': { namespace, serviceaccount: { name, uid }, ...(node && { node: { ...node } }) },
    };
    const signed = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64(claims)}`;
    return `${signed}.${this.#signature(signed).toString('base64url')}`;
  }

  /** The owner of a token. Undefined when another server issued it, it has expired, or its account is gone. */
  verify(token: string, nowMs: number): KnownToken | undefined {
    const parts = token.split('.');
    const signature = Buffer.from(parts[2] ?? '', 'base64url');
    const expected = this.#signature(`${parts[0]}.${parts[1]}`);
    if (parts.length !== 3 || signature.length !== expected.length) return undefined;
    if (!timingSafeEqual(signature, expected)) return undefined;
    const claims = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString()) as Json;
    if (!isObject(claims) || (numberAt(claims, 'exp') ?? 0) * 1000 <= nowMs) return undefined;
    return this.#known(claims);
  }

  /** Whether the token is for this server. */
  static isForServer({ audiences }: KnownToken): boolean {
    return audiences.includes(ISSUER);
  }

  #known(claims: JsonObject): KnownToken | undefined {
    const about = claims['kubernetes.io'];
    const namespace = stringAt(about, 'namespace') ?? '';
    const name = stringAt(about, 'serviceaccount', 'name') ?? '';
    const uid = stringAt(about, 'serviceaccount', 'uid') ?? '';
    const account = this.#store.get({ resource: 'serviceaccounts.', namespace, name });
    if (account?.object.metadata.uid !== uid) return undefined;
    const username = `system:serviceaccount:${namespace}:${name}`;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    const audiences = textsAt(claims, 'aud');
    const node = stringAt(about, 'node', 'name');
    if (node === undefined) return { user: { username, uid, groups }, audiences };
    const nodeUid = stringAt(about, 'node', 'uid') ?? '';
    const bound = this.#store.get({ resource: 'nodes.', namespace: '', name: node });
    if (bound?.object.metadata.uid !== nodeUid) return undefined;
    const extra = {
      'authentication.kubernetes.io/node-name': [node],
      'authentication.kubernetes.io/node-uid': [nodeUid],
    };
    return { user: { username, uid, groups, extra }, audiences };
  }

  #signature(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

function base64(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
