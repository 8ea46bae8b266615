export { conditionsController } from './conditions.ts';
export { unreadableController } from './unreadable.ts';
