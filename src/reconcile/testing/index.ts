export { TestCluster } from './test-cluster.ts';
