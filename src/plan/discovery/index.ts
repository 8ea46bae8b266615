export {
  CLUSTER_CNI_ANNOTATION,
  type ClusterCni,
  type CniFile,
  clusterCni,
  clusterCniText,
  isCniFileName,
} from './cluster-cni.ts';
export {
  type DiscoveredStatus,
  type Discovery,
  type DiscoveryCondition,
  type DiscoveryOptions,
  discoverNetworks,
} from './discovery.ts';
export {
  type CiliumConfigName,
  type ClusterFacts,
  defaultCiliumConfig,
  type Reading,
  type Source,
  type SourceName,
  sourcesOf,
} from './sources.ts';
