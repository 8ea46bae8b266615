// The types of the other core kinds, of events, leases and endpoint slices (k8s.io/api, by field).

export const CORE_TYPES = `
NamespaceSpec Finalizers that block the deletion of a namespace.
  finalizers [string]

NamespaceStatus Whether a namespace is active or terminating.
  phase string
  conditions [Condition] by type

NodeSpec Settings of a node.
  podCIDR string
  podCIDRs [string] set
  providerID string
  unschedulable bool
  taints [Taint]
  configSource object
  externalID string

Taint Keeps pods away that do not tolerate it.
  key! string
  value string
  effect! string
  timeAdded time

NodeStatus Observed state of a node.
  capacity {quantity}
  allocatable {quantity}
  phase string
  conditions [Condition] by type
  addresses [NodeAddress] by type,address
  daemonEndpoints object
  nodeInfo object
  images [object]
  volumesInUse [string]
  volumesAttached [object]
  config object
  runtimeHandlers [object]
  features object

NodeAddress One address of a node.
  type! string
  address! string

ServiceSpec How clients reach a set of pods under one address.
  ports [ServicePort] by port,protocol
  selector {string}
  clusterIP string
  clusterIPs [string]
  type string
  externalIPs [string]
  sessionAffinity string
  loadBalancerIP string
  loadBalancerSourceRanges [string]
  externalName string
  externalTrafficPolicy string
  healthCheckNodePort int
  publishNotReadyAddresses bool
  sessionAffinityConfig object
  ipFamilies [string]
  ipFamilyPolicy string
  allocateLoadBalancerNodePorts bool
  loadBalancerClass string
  internalTrafficPolicy string
  trafficDistribution string

ServicePort One port of a service.
  name string
  protocol string = TCP
  appProtocol string
  port! int
  targetPort intOrString
  nodePort int

ServiceStatus Observed state of a service.
  loadBalancer object
  conditions [Condition] by type

EndpointSubset Addresses that share their ports.
  addresses [EndpointAddress]
  notReadyAddresses [EndpointAddress]
  ports [EndpointPort]

EndpointAddress One address behind a service.
  ip! string
  hostname string
  nodeName string
  targetRef ObjectReference

EndpointPort One port behind a service.
  name string
  port int
  protocol string = TCP
  appProtocol string

EndpointSliceEndpoint One pod behind a service.
  addresses! [string] set
  conditions EndpointConditions
  hostname string
  targetRef ObjectReference
  deprecatedTopology {string}
  nodeName string
  zone string
  hints object

EndpointConditions Whether an endpoint may be used.
  ready bool
  serving bool
  terminating bool

EventSource The program that reports an event.
  component string
  host string

EventSeries How often an event happened.
  count int
  lastObservedTime time

LeaseSpec Holder of a lease, and the end of the lease.
  holderIdentity string
  leaseDurationSeconds int
  acquireTime time
  renewTime time
  leaseTransitions int
  strategy string
  preferredHolder string

PolicyRule Operations that a role allows.
  verbs! [string]
  apiGroups [string]
  resources [string]
  resourceNames [string]
  nonResourceURLs [string]

RoleRef The role that a binding grants.
  apiGroup! string
  kind! string
  name! string

Subject A user, group or service account that a binding grants a role to.
  kind! string
  apiGroup string
  name! string
  namespace string
`;
