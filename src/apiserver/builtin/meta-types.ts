// Types shared by all kinds: metadata, selectors, references, conditions (k8s.io/apimachinery meta/v1, by field).

export const META_TYPES = `
ObjectMeta Metadata that every object has.
  name string
  generateName string
  namespace string
  selfLink string
  uid string
  resourceVersion string
  generation long
  creationTimestamp time
  deletionTimestamp time
  deletionGracePeriodSeconds long
  labels {string}
  annotations {string}
  ownerReferences [OwnerReference] by uid
  finalizers [string] set
  managedFields [ManagedFieldsEntry]

OwnerReference An owner of this object; the object is deleted when all its owners are gone.
  apiVersion! string
  kind! string
  name! string
  uid! string
  controller bool
  blockOwnerDeletion bool

ManagedFieldsEntry The fields that one manager owns.
  manager string
  operation string
  apiVersion string
  time time
  fieldsType string
  fieldsV1 object
  subresource string

LabelSelector Selects objects by their labels.
  matchLabels {string}
  matchExpressions [LabelSelectorRequirement]

LabelSelectorRequirement One requirement on a label.
  key! string
  operator! string
  values [string]

Condition One aspect of the state of an object.
  type! string
  status! string
  observedGeneration long
  lastTransitionTime time
  lastProbeTime time
  lastHeartbeatTime time
  lastUpdateTime time
  reason string
  message string

LocalObjectReference Names an object of the same namespace.
  name string

ObjectReference Names an object.
  kind string
  namespace string
  name string
  uid string
  apiVersion string
  resourceVersion string
  fieldPath string

DeleteOptions How an object is deleted.
  gracePeriodSeconds long
  preconditions Preconditions
  orphanDependents bool
  propagationPolicy string
  dryRun [string]

Preconditions Conditions that an object must meet before its deletion.
  uid string
  resourceVersion string
`;
