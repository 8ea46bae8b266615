// Who sends a request. There is no authorizer: whoever is let in may do everything.

import type { JsonObject } from '../json.ts';

/** As reviews and webhooks tell of somebody (authentication/v1 UserInfo). */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** Who has the server's own token. */
export const administrator: User = {
  username: 'orbweaver',
  groups: ['system:masters', 'system:authenticated'],
};

/** The server itself, when it cleans up. */
export const serverUser: User = {
  username: 'system:apiserver',
  groups: ['system:masters', 'system:authenticated'],
};

export function userInfo({ username, uid, groups }: User): JsonObject {
  return { username, ...(uid === undefined ? {} : { uid }), groups: [...groups] };
}

/** Whether the server would let somebody of that name and these groups do something, if it knew their token. */
export function mayDoAll(username: string, groups: readonly string[]): boolean {
  return (
    username === administrator.username ||
    groups.includes('system:masters') ||
    /^system:serviceaccount:[^:]+:[^:]+$/.test(username)
  );
}
