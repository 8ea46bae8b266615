export { Authenticator } from './authenticator.ts';
export { ServiceAccountTokens } from './service-account-tokens.ts';
export { mayDoAll, serverUser, type User, userInfo } from './user.ts';
