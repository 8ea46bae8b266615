// The sender of a request. There is no authorizer: every user with a valid token may do everything.

import type { JsonObject } from '../json.ts';

/** A user, in the form of reviews and webhooks (authentication/v1 UserInfo). */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** What is known besides, as the node that a token is bound to. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The user with the server's own token. */
export const administrator: User = {
  username: 'orbweaver',
  groups: ['system:masters', 'system:authenticated'],
};

/** The server itself, for its cleanup. */
export const serverUser: User = {
  username: 'system:apiserver',
  groups: ['system:masters', 'system:authenticated'],
};

export function userInfo({ username, uid, groups, extra }: User): JsonObject {
  return {
    username,
    ...(uid !== undefined && { uid }),
    groups: [...groups],
    ...(extra !== undefined && {
      extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])),
    }),
  };
}

/** Whether a user with this name and these groups may do everything, provided that the server knows their token. */
export function mayDoAll(username: string, groups: readonly string[]): boolean {
  return (
    username === administrator.username ||
    groups.includes('system:masters') ||
    /^system:serviceaccount:[^:]+:[^:]+$/.test(username)
  );
}
