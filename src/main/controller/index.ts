export { readReclaiming } from './reclaiming.ts';
