export { applyDefaults, type DefaultObject } from './defaults.ts';
export { Kinds } from './kinds.ts';
