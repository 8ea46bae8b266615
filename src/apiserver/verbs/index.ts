export { ResourceHandler } from './resource-handler.ts';
export { unservedKind } from './unserved.ts';
export { Watches } from './watch.ts';
