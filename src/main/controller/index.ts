export { readCommits } from './commits.ts';
export { readReclaiming } from './reclaiming.ts';
