// The types of the other core kinds, of events, leases and endpoint slices (k8s.io/api, by field).

export const coreTypes = `
NamespaceSpec What keeps a namespace from going.
  finalizers [string]

NamespaceStatus Whether a namespace is in use or going.
  phase string
  conditions [Condition] by type

NodeSpec What a node is given.
  podCIDR string
  podCIDRs [string] set
  providerID string
  unschedulable bool
  taints [Taint]
  configSource object
  externalID string

Taint Keeps pods away that do not bear it.
  key! string
  value string
  effect! string
  timeAdded time

NodeStatus What a node is now.
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

ServiceSpec How pods are reached under one address.
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

ServiceStatus What a service is now.
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

EventSource Who reports an event.
  component string
  host string

EventSeries How often an event came.
  count int
  lastObservedTime time

LeaseSpec Who holds a lease and until when.
  holderIdentity string
  leaseDurationSeconds int
  acquireTime time
  renewTime time
  leaseTransitions int
  strategy string
  preferredHolder string

PolicyRule What a role allows.
  verbs! [string]
  apiGroups [string]
  resources [string]
  resourceNames [string]
  nonResourceURLs [string]

RoleRef The role that is bound.
  apiGroup! string
  kind! string
  name! string

Subject To whom a role is bound.
  kind! string
  apiGroup string
  name! string
  namespace string
`;
