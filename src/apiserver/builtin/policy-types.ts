// The types of PodDisruptionBudgets and evictions (k8s.io/api policy/v1, by field).

export const policyTypes = `
PodDisruptionBudgetSpec How many pods may be away at a time.
  minAvailable intOrString
  selector LabelSelector
  maxUnavailable intOrString
  unhealthyPodEvictionPolicy string

PodDisruptionBudgetStatus How many more pods may go now.
  observedGeneration long
  disruptedPods {time}
  disruptionsAllowed! int
  currentHealthy! int
  desiredHealthy! int
  expectedPods! int
  conditions [Condition] by type

Eviction Asks a pod to go if its budget allows it.
  apiVersion string
  kind string
  metadata ObjectMeta
  deleteOptions DeleteOptions
`;
