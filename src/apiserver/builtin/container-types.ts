// The types of a pod's containers (k8s.io/api core/v1, by field).

export const containerTypes = `
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
`;
