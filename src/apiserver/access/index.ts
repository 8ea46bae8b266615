export { Authenticator } from './authenticator.ts';
export { type BoundNode, ServiceAccountTokens } from './service-account-tokens.ts';
export { mayDoAll, serverUser, type User, userInfo } from './user.ts';
