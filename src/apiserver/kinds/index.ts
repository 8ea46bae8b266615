export { CUSTOM_RESOURCE_FINALIZER, definitionStrategy, resourcesOf } from './custom-resource-definition.ts';
export { cronJobStrategy, jobStrategy } from './job.ts';
export { firstNamespaces, NAMESPACE_FINALIZER, namespaceStrategy } from './namespace.ts';
export { podStrategy } from './pod.ts';
export { disruptionBudgetStrategy, priorityClassStrategy } from './policy.ts';
export { secretStrategy } from './secret.ts';
export { apiClusterIps, type ServiceRanges, ServiceStrategy } from './service.ts';
export { webhookConfigurationStrategy } from './webhook-configuration.ts';
export {
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from './workload.ts';
