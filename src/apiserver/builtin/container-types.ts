// The types of a pod's containers (k8s.io/api core/v1, by field).

export const CONTAINER_TYPES = `
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

EnvVar An environment variable.
  name! string
  value string
  valueFrom EnvVarSource

EnvVarSource Source of the value of an environment variable.
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

ResourceRequirements Requests and limits of a container.
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

Probe How the health of a container is checked.
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

ExecAction A command; its exit status is the result of the check.
  command [string]

HTTPGetAction A request; the status of its answer is the result of the check.
  path string
  port! intOrString
  host string
  scheme string
  httpHeaders [object]

TCPSocketAction A connection; the check succeeds if it opens.
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

Capabilities Kernel capabilities that are added and dropped.
  add [string]
  drop [string]
`;
