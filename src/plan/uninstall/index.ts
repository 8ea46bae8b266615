export { agentsTask, clearingPatch } from './agents.ts';
export {
  type ClusterRemoval,
  type ClusterStep,
  clusterSteps,
  type FoundObject,
  listedKinds,
  namedObjects,
  removals,
} from './cluster.ts';
export { type PodInTheWay, podsInTheWay } from './pods-in-the-way.ts';
