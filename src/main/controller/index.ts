export { readCloud } from './cloud.ts';
export { readCommits } from './commits.ts';
export { readDefaults } from './defaults.ts';
export { readReclaiming } from './reclaiming.ts';
