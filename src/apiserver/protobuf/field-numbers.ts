// The numbers that fields have in protobuf (generated.proto of k8s.io/api core/v1, apps/v1, rbac/v1 and apimachinery meta/v1), for the
// kinds that `kubectl create` and typed clients send so. What a field is, the types of the built-in kinds say.
//
// A "?" marks a pointer in Go: its zero was set by somebody. Other fields are on the wire even when they are not set.

const numbers = `
ConfigMap metadata=1 data=2 binaryData=3 immutable=4?
Secret metadata=1 data=2 type=3 stringData=4 immutable=5?
ServiceAccount metadata=1 secrets=2 imagePullSecrets=3 automountServiceAccountToken=4?
Namespace metadata=1 spec=2 status=3
NamespaceSpec finalizers=1
Service metadata=1 spec=2 status=3
ServiceSpec ports=1 selector=2 clusterIP=3 type=4 externalIPs=5 sessionAffinity=7 loadBalancerIP=8 loadBalancerSourceRanges=9 externalName=10 externalTrafficPolicy=11 healthCheckNodePort=12 publishNotReadyAddresses=13 ipFamilyPolicy=17 clusterIPs=18 ipFamilies=19 allocateLoadBalancerNodePorts=20? loadBalancerClass=21 internalTrafficPolicy=22 trafficDistribution=23
ServicePort name=1 protocol=2 port=3 targetPort=4 nodePort=5 appProtocol=6
Deployment metadata=1 spec=2 status=3
DeploymentSpec replicas=1? selector=2 template=3 strategy=4 minReadySeconds=5 revisionHistoryLimit=6? paused=7 progressDeadlineSeconds=9?
UpdateStrategy type=1 rollingUpdate=2
RollingUpdate maxUnavailable=1? maxSurge=2?
PodTemplateSpec metadata=1 spec=2
PodSpec containers=2 restartPolicy=3 terminationGracePeriodSeconds=4? activeDeadlineSeconds=5? dnsPolicy=6 nodeSelector=7 serviceAccountName=8 serviceAccount=9 nodeName=10 hostNetwork=11 hostPID=12 hostIPC=13 securityContext=14 imagePullSecrets=15 hostname=16 subdomain=17 schedulerName=19 initContainers=20 automountServiceAccountToken=21? priorityClassName=24 priority=25? runtimeClassName=29 enableServiceLinks=30? preemptionPolicy=31
PodSecurityContext
Container name=1 image=2 command=3 args=4 workingDir=5 ports=6 env=7 resources=8 terminationMessagePath=13 imagePullPolicy=14 stdin=16 stdinOnce=17 tty=18 terminationMessagePolicy=20
ContainerPort name=1 hostPort=2 containerPort=3 protocol=4 hostIP=5
EnvVar name=1 value=2
ResourceRequirements
Role metadata=1 rules=2
ClusterRole metadata=1 rules=2
RoleBinding metadata=1 subjects=2 roleRef=3
ClusterRoleBinding metadata=1 subjects=2 roleRef=3
PolicyRule verbs=1 apiGroups=2 resources=3 resourceNames=4 nonResourceURLs=5
RoleRef apiGroup=1 kind=2 name=3
Subject kind=1 apiGroup=2 name=3 namespace=4
ObjectReference kind=1 namespace=2 name=3 uid=4 apiVersion=5 resourceVersion=6 fieldPath=7
LocalObjectReference name=1
ObjectMeta name=1 generateName=2 namespace=3 selfLink=4 uid=5 resourceVersion=6 generation=7 creationTimestamp=8 labels=11 annotations=12 ownerReferences=13 finalizers=14
OwnerReference kind=1 name=3 uid=4 apiVersion=5 controller=6? blockOwnerDeletion=7?
LabelSelector matchLabels=1 matchExpressions=2
LabelSelectorRequirement key=1 operator=2 values=3
DeleteOptions gracePeriodSeconds=1? preconditions=2 orphanDependents=3? propagationPolicy=4 dryRun=5
Preconditions uid=1 resourceVersion=2
`;

/** A field that a number stands for. */
export interface NumberedField {
  readonly name: string;
  /** Whether a zero is a value, and not the absence of one. */
  readonly isPointer: boolean;
}

/** Fields by number, by the name of their type. */
export type FieldNumbers = ReadonlyMap<string, ReadonlyMap<number, NumberedField>>;

export function fieldNumbers(): FieldNumbers {
  const types = numbers.trim().split('\n');
  return new Map(
    types.map((line) => {
      const [type = '', ...fields] = line.split(' ');
      return [type, new Map(fields.map(numbered))];
    }),
  );
}

function numbered(text: string): [number, NumberedField] {
  const [name = '', number = ''] = text.split('=');
  return [Number.parseInt(number, 10), { name, isPointer: number.endsWith('?') }];
}
