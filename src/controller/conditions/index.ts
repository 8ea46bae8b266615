export { conditionsController } from './conditions.ts';
export { shortened } from './judgement.ts';
export { unreadableController } from './unreadable.ts';
