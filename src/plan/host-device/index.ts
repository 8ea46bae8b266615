export { type AttachedTo, aliasOf, attachedTo, nicOfPod, nicWithAlias } from './alias.ts';
export { missingOf, nicChanges } from './changes.ts';
export { chosenNic, type NodeSight } from './choice.ts';
