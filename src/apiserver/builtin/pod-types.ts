// The types of a pod (k8s.io/api core/v1, by field).

export const podTypes = `
PodTemplateSpec The pods that a workload makes.
  metadata ObjectMeta
  spec PodSpec

PodSpec What a pod should be.
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

PodReadinessGate A condition that must hold before the pod is ready.
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

Toleration A taint that the pod bears.
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

Volume Files that containers can mount.
  name! string
  hostPath HostPathVolumeSource
  emptyDir EmptyDirVolumeSource
  secret SecretVolumeSource
  configMap ConfigMapVolumeSource
  downwardAPI object
  projected object
  persistentVolumeClaim object
  csi object
  ephemeral object
  image object
  nfs object
  iscsi object
  rbd object
  cephfs object
  fc object

HostPathVolumeSource A file or folder of the node.
  path! string
  type string

EmptyDirVolumeSource A folder that lives as long as the pod.
  medium string
  sizeLimit quantity

SecretVolumeSource The keys of a Secret as files.
  secretName string
  items [KeyToPath]
  defaultMode int
  optional bool

ConfigMapVolumeSource The keys of a ConfigMap as files.
  name string
  items [KeyToPath]
  defaultMode int
  optional bool

KeyToPath One key as a file.
  key! string
  path! string
  mode int

Container A program of the pod.
  name! string
  image string
  command [string]
  args [string]
  workingDir string
  ports [ContainerPort] by containerPort,protocol
  envFrom [EnvFromSource]
  env [EnvVar] by name
  resources ResourceRequirements
  resizePolicy [object]
  restartPolicy string
  restartPolicyRules [object]
  volumeMounts [VolumeMount] by mountPath
  volumeDevices [VolumeDevice] by devicePath
  livenessProbe Probe
  readinessProbe Probe
  startupProbe Probe
  lifecycle object
  terminationMessagePath string
  terminationMessagePolicy string
  imagePullPolicy string
  securityContext SecurityContext
  stdin bool
  stdinOnce bool
  tty bool
  targetContainerName string

ContainerPort A port that a container listens on.
  name string
  hostPort int
  containerPort! int
  protocol string = TCP
  hostIP string

EnvVar A variable of the environment.
  name! string
  value string
  valueFrom EnvVarSource

EnvVarSource Where a variable gets its value.
  fieldRef FieldSelector
  resourceFieldRef object
  configMapKeyRef KeySelector
  secretKeyRef KeySelector
  fileKeyRef object

FieldSelector A field of the pod.
  apiVersion string
  fieldPath! string

KeySelector A key of a ConfigMap or Secret.
  name string
  key! string
  optional bool

EnvFromSource All keys of a ConfigMap or Secret as variables.
  prefix string
  configMapRef OptionalReference
  secretRef OptionalReference

OptionalReference Names an object that may be missing.
  name string
  optional bool

ResourceRequirements What a container may use and what it is sure of.
  limits {quantity}
  requests {quantity}
  claims [object]

VolumeMount Where a volume appears in the container.
  name! string
  readOnly bool
  recursiveReadOnly string
  mountPath! string
  subPath string
  subPathExpr string
  mountPropagation string

VolumeDevice A block device of the container.
  name! string
  devicePath! string

Probe How the health of a container is asked for.
  exec ExecAction
  httpGet HTTPGetAction
  tcpSocket TCPSocketAction
  grpc object
  initialDelaySeconds int
  timeoutSeconds int
  periodSeconds int
  successThreshold int
  failureThreshold int
  terminationGracePeriodSeconds long

ExecAction A command whose exit status counts.
  command [string]

HTTPGetAction A request whose answer counts.
  path string
  port! intOrString
  host string
  scheme string
  httpHeaders [object]

TCPSocketAction A connection that must open.
  port! intOrString
  host string

SecurityContext Security settings of one container.
  capabilities Capabilities
  privileged bool
  seLinuxOptions object
  windowsOptions object
  runAsUser long
  runAsGroup long
  runAsNonRoot bool
  readOnlyRootFilesystem bool
  allowPrivilegeEscalation bool
  procMount string
  seccompProfile object
  appArmorProfile object

Capabilities Kernel capabilities added and dropped.
  add [string]
  drop [string]

PodStatus What the pod is now, as its kubelet reports it.
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

ContainerStatus What a container is now.
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
