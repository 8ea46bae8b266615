export { type DesiredParent, desiredParent, type ParentConf } from './desired.ts';
export { parentProblems, planParent } from './parent.ts';
