export { difference, networkDifference, sysctlDifference } from './difference.ts';
export { changesOf, type Finding, type Fix, mismatches, nftCommandsOf } from './finding.ts';
export { arePeers, isHostLink } from './link-difference.ts';
export { sameProxy } from './proxy-difference.ts';
