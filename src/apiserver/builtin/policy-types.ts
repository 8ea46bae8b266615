// The types of PodDisruptionBudgets and evictions (k8s.io/api policy/v1, by field).

export const POLICY_TYPES = `
PodDisruptionBudgetSpec How many pods may be unavailable at the same time.
  minAvailable intOrString
  selector LabelSelector
  maxUnavailable intOrString
  unhealthyPodEvictionPolicy string

PodDisruptionBudgetStatus How many more pods may be evicted now.
  observedGeneration long
  disruptedPods {time}
  disruptionsAllowed! int
  currentHealthy! int
  desiredHealthy! int
  expectedPods! int
  conditions [Condition] by type

Eviction Evicts a pod if its disruption budget allows it.
  apiVersion string
  kind string
  metadata ObjectMeta
  deleteOptions DeleteOptions
`;
