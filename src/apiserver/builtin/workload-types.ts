// The types of Deployments, ReplicaSets, StatefulSets and DaemonSets (k8s.io/api apps/v1) and of CustomResourceDefinitions.

export const WORKLOAD_TYPES = `
DeploymentSpec Desired state of a deployment.
  replicas int
  selector! LabelSelector
  template! PodTemplateSpec
  strategy UpdateStrategy
  minReadySeconds int
  revisionHistoryLimit int
  paused bool
  progressDeadlineSeconds int

UpdateStrategy How pods are replaced.
  type string
  rollingUpdate RollingUpdate

RollingUpdate How many pods are replaced at the same time.
  maxUnavailable intOrString
  maxSurge intOrString
  partition int

DeploymentStatus Observed state of a deployment.
  observedGeneration long
  replicas int
  updatedReplicas int
  readyReplicas int
  availableReplicas int
  unavailableReplicas int
  terminatingReplicas int
  conditions [Condition] by type
  collisionCount int

ReplicaSetSpec Desired state of a replica set.
  replicas int
  minReadySeconds int
  selector! LabelSelector
  template PodTemplateSpec

ReplicaSetStatus Observed state of a replica set.
  replicas! int
  fullyLabeledReplicas int
  readyReplicas int
  availableReplicas int
  terminatingReplicas int
  observedGeneration long
  conditions [Condition] by type

StatefulSetSpec Desired state of a stateful set.
  replicas int
  selector! LabelSelector
  template! PodTemplateSpec
  volumeClaimTemplates [object]
  serviceName string
  podManagementPolicy string
  updateStrategy UpdateStrategy
  revisionHistoryLimit int
  minReadySeconds int
  persistentVolumeClaimRetentionPolicy object
  ordinals StatefulSetOrdinals

StatefulSetOrdinals Numbers of the pods.
  start int

StatefulSetStatus Observed state of a stateful set.
  observedGeneration long
  replicas! int
  readyReplicas int
  currentReplicas int
  updatedReplicas int
  currentRevision string
  updateRevision string
  collisionCount int
  conditions [Condition] by type
  availableReplicas int

DaemonSetSpec Desired state of a daemon set.
  selector! LabelSelector
  template! PodTemplateSpec
  updateStrategy UpdateStrategy
  minReadySeconds int
  revisionHistoryLimit int

DaemonSetStatus Observed state of a daemon set.
  currentNumberScheduled! int
  numberMisscheduled! int
  desiredNumberScheduled! int
  numberReady! int
  observedGeneration long
  updatedNumberScheduled int
  numberAvailable int
  numberUnavailable int
  collisionCount int
  conditions [Condition] by type

CustomResourceDefinitionSpec A kind that is added at run time.
  group! string
  names! CustomResourceDefinitionNames
  scope! string
  versions! [CustomResourceDefinitionVersion]
  conversion object
  preserveUnknownFields bool

CustomResourceDefinitionNames The names of the kind.
  plural! string
  singular string
  shortNames [string]
  kind! string
  listKind string
  categories [string]

CustomResourceDefinitionVersion One version of the kind.
  name! string
  served! bool
  storage! bool
  deprecated bool
  deprecationWarning string
  schema CustomResourceValidation
  subresources CustomResourceSubresources
  additionalPrinterColumns [CustomResourceColumnDefinition]
  selectableFields [CustomResourceSelectableField]

CustomResourceSelectableField A field that field selectors may use.
  jsonPath! string

CustomResourceValidation The schema of the kind.
  openAPIV3Schema object

CustomResourceSubresources Subresources of the kind.
  status object
  scale CustomResourceScale

CustomResourceScale Paths of the replica counts in the object.
  specReplicasPath! string
  statusReplicasPath! string
  labelSelectorPath string

CustomResourceColumnDefinition A column of kubectl get.
  name! string
  type! string
  format string
  description string
  priority int
  jsonPath! string

CustomResourceDefinitionStatus State of the kind.
  conditions [Condition] by type
  acceptedNames CustomResourceDefinitionNames
  storedVersions [string]
  observedGeneration long
`;
