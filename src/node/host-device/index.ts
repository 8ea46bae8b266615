export { linkArrives } from './link-arrival.ts';
export { moveToNode, moveToPod, type NicBefore } from './move.ts';
export { seeNode } from './node-sight.ts';
