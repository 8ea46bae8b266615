// The types of a pod (k8s.io/api core/v1, by field).

export const POD_TYPES = `
PodTemplateSpec Template of the pods of a workload.
  metadata ObjectMeta
  spec PodSpec

PodSpec Desired state of a pod.
  volumes [Volume] by name
  initContainers [Container] by name
  containers! [Container] by name
  ephemeralContainers [Container] by name
  restartPolicy string
  terminationGracePeriodSeconds long
  activeDeadlineSeconds long
  dnsPolicy string
  nodeSelector {string}
  serviceAccountName string
  serviceAccount string
  automountServiceAccountToken bool
  nodeName string
  hostNetwork bool
  hostPID bool
  hostIPC bool
  hostUsers bool
  hostnameOverride string
  shareProcessNamespace bool
  securityContext PodSecurityContext
  imagePullSecrets [LocalObjectReference] by name
  hostname string
  subdomain string
  setHostnameAsFQDN bool
  affinity object
  schedulerName string
  tolerations [Toleration]
  hostAliases [HostAlias] by ip
  priorityClassName string
  priority int
  preemptionPolicy string
  dnsConfig PodDNSConfig
  readinessGates [PodReadinessGate]
  runtimeClassName string
  enableServiceLinks bool
  overhead {quantity}
  topologySpreadConstraints [TopologySpreadConstraint] by topologyKey,whenUnsatisfiable
  os PodOS
  schedulingGates [LocalObjectReference] by name
  resourceClaims [PodResourceClaim] by name
  resources ResourceRequirements

PodOS The operating system of a pod.
  name! string

PodResourceClaim A device claim of a pod.
  name! string
  resourceClaimName string
  resourceClaimTemplateName string

PodReadinessGate A condition that a pod must meet before it is ready.
  conditionType! string

TopologySpreadConstraint How pods are spread over nodes.
  maxSkew! int
  topologyKey! string
  whenUnsatisfiable! string
  labelSelector LabelSelector
  minDomains int
  nodeAffinityPolicy string
  nodeTaintsPolicy string
  matchLabelKeys [string]

HostAlias A line of the pod's hosts file.
  ip! string
  hostnames [string]

Toleration A taint that the pod tolerates.
  key string
  operator string
  value string
  effect string
  tolerationSeconds long

PodDNSConfig DNS settings of a pod.
  nameservers [string]
  searches [string]
  options [PodDNSConfigOption]

PodDNSConfigOption One option of the resolver.
  name string
  value string

PodSecurityContext Security settings of all containers.
  seLinuxOptions object
  windowsOptions object
  runAsUser long
  runAsGroup long
  runAsNonRoot bool
  supplementalGroups [long]
  supplementalGroupsPolicy string
  fsGroup long
  sysctls [Sysctl]
  fsGroupChangePolicy string
  seccompProfile object
  appArmorProfile object
  seLinuxChangePolicy string

Sysctl A kernel parameter of the pod.
  name! string
  value! string

PodStatus Observed state of a pod, as its kubelet reports it.
  observedGeneration long
  phase string
  conditions [Condition] by type
  message string
  reason string
  nominatedNodeName string
  hostIP string
  hostIPs [PodIP]
  podIP string
  podIPs [PodIP] by ip
  startTime time
  initContainerStatuses [ContainerStatus]
  containerStatuses [ContainerStatus]
  ephemeralContainerStatuses [ContainerStatus]
  qosClass string
  resize string
  resourceClaimStatuses [object]

PodIP One address of a pod.
  ip! string

ContainerStatus Observed state of a container.
  name! string
  state object
  lastState object
  ready! bool
  restartCount! int
  image! string
  imageID! string
  containerID string
  started bool
  allocatedResources {quantity}
  resources object
  volumeMounts [object]
  user object
  allocatedResourcesStatus [object]
  stopSignal string
`;
