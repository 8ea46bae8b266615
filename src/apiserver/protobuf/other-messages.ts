// The messages of the other groups: the numbers of their fields (message-table.ts has the notation).
// Generated from the Go types of Kubernetes by `npm run gen -- protobuf`. Do not edit.

export const OTHER_MESSAGES = `
# admissionregistration/v1 admissionregistration.k8s.io/v1
MatchCondition name=1:string? expression=2:string?
MutatingWebhook name=1:string? clientConfig=2:WebhookClientConfig? rules=3:[RuleWithOperations] failurePolicy=4:string? matchPolicy=9:string? namespaceSelector=5:meta/v1.LabelSelector? objectSelector=11:meta/v1.LabelSelector? sideEffects=6:string? timeoutSeconds=7:int? admissionReviewVersions=8:[string]? reinvocationPolicy=10:string? matchConditions=12:[MatchCondition]
MutatingWebhookConfiguration metadata=1:meta/v1.ObjectMeta webhooks=2:[MutatingWebhook]
Rule apiGroups=1:[string] apiVersions=2:[string] resources=3:[string] scope=4:string?
RuleWithOperations operations=1:[string] ...=2:Rule?
ServiceReference namespace=1:string? name=2:string? path=3:string? port=4:int?
ValidatingWebhook name=1:string? clientConfig=2:WebhookClientConfig? rules=3:[RuleWithOperations] failurePolicy=4:string? matchPolicy=9:string? namespaceSelector=5:meta/v1.LabelSelector? objectSelector=10:meta/v1.LabelSelector? sideEffects=6:string? timeoutSeconds=7:int? admissionReviewVersions=8:[string]? matchConditions=11:[MatchCondition]
ValidatingWebhookConfiguration metadata=1:meta/v1.ObjectMeta webhooks=2:[ValidatingWebhook]
WebhookClientConfig url=3:string? service=1:ServiceReference? caBundle=2:bytes
# apps/v1 apps/v1
DaemonSet metadata=1:meta/v1.ObjectMeta spec=2:DaemonSetSpec status=3:DaemonSetStatus
DaemonSetCondition type=1:string? status=2:string? lastTransitionTime=3:time reason=4:string message=5:string
DaemonSetSpec selector=1:meta/v1.LabelSelector? template=2:core/v1.PodTemplateSpec? updateStrategy=3:DaemonSetUpdateStrategy minReadySeconds=4:int revisionHistoryLimit=6:int?
DaemonSetStatus currentNumberScheduled=1:int? numberMisscheduled=2:int? desiredNumberScheduled=3:int? numberReady=4:int? observedGeneration=5:int updatedNumberScheduled=6:int numberAvailable=7:int numberUnavailable=8:int collisionCount=9:int? conditions=10:[DaemonSetCondition]
DaemonSetUpdateStrategy type=1:string rollingUpdate=2:RollingUpdateDaemonSet?
Deployment metadata=1:meta/v1.ObjectMeta spec=2:DeploymentSpec status=3:DeploymentStatus
DeploymentCondition type=1:string? status=2:string? lastUpdateTime=6:time lastTransitionTime=7:time reason=4:string message=5:string
DeploymentSpec replicas=1:int? selector=2:meta/v1.LabelSelector? template=3:core/v1.PodTemplateSpec? strategy=4:DeploymentStrategy minReadySeconds=5:int revisionHistoryLimit=6:int? paused=7:bool progressDeadlineSeconds=9:int?
DeploymentStatus observedGeneration=1:int replicas=2:int updatedReplicas=3:int readyReplicas=7:int availableReplicas=4:int unavailableReplicas=5:int terminatingReplicas=9:int? conditions=6:[DeploymentCondition] collisionCount=8:int?
DeploymentStrategy type=1:string rollingUpdate=2:RollingUpdateDeployment?
ReplicaSet metadata=1:meta/v1.ObjectMeta spec=2:ReplicaSetSpec status=3:ReplicaSetStatus
ReplicaSetCondition type=1:string? status=2:string? lastTransitionTime=3:time reason=4:string message=5:string
ReplicaSetSpec replicas=1:int? minReadySeconds=4:int selector=2:meta/v1.LabelSelector? template=3:core/v1.PodTemplateSpec
ReplicaSetStatus replicas=1:int? fullyLabeledReplicas=2:int readyReplicas=4:int availableReplicas=5:int terminatingReplicas=7:int? observedGeneration=3:int conditions=6:[ReplicaSetCondition]
RollingUpdateDaemonSet maxUnavailable=1:intOrString? maxSurge=2:intOrString?
RollingUpdateDeployment maxUnavailable=1:intOrString? maxSurge=2:intOrString?
RollingUpdateStatefulSetStrategy partition=1:int? maxUnavailable=2:intOrString?
StatefulSet metadata=1:meta/v1.ObjectMeta spec=2:StatefulSetSpec status=3:StatefulSetStatus
StatefulSetCondition type=1:string? status=2:string? lastTransitionTime=3:time reason=4:string message=5:string
StatefulSetOrdinals start=1:int?
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=1:string whenScaled=2:string
StatefulSetSpec replicas=1:int? selector=2:meta/v1.LabelSelector? template=3:core/v1.PodTemplateSpec? volumeClaimTemplates=4:[core/v1.PersistentVolumeClaim] serviceName=5:string? podManagementPolicy=6:string updateStrategy=7:StatefulSetUpdateStrategy revisionHistoryLimit=8:int? minReadySeconds=9:int persistentVolumeClaimRetentionPolicy=10:StatefulSetPersistentVolumeClaimRetentionPolicy? ordinals=11:StatefulSetOrdinals?
StatefulSetStatus observedGeneration=1:int replicas=2:int? readyReplicas=3:int currentReplicas=4:int updatedReplicas=5:int currentRevision=6:string updateRevision=7:string collisionCount=9:int? conditions=10:[StatefulSetCondition] availableReplicas=11:int?
StatefulSetUpdateStrategy type=1:string rollingUpdate=2:RollingUpdateStatefulSetStrategy?
# authentication/v1 authentication.k8s.io/v1
BoundObjectReference kind=1:string apiVersion=2:string name=3:string uid=4:string
SelfSubjectReview metadata=1:meta/v1.ObjectMeta status=2:SelfSubjectReviewStatus
SelfSubjectReviewStatus userInfo=1:UserInfo
TokenRequest metadata=1:meta/v1.ObjectMeta spec=2:TokenRequestSpec? status=3:TokenRequestStatus
TokenRequestSpec audiences=1:[string]? expirationSeconds=4:int? boundObjectRef=3:BoundObjectReference?
TokenRequestStatus token=1:string? expirationTimestamp=2:time?
TokenReview metadata=1:meta/v1.ObjectMeta spec=2:TokenReviewSpec? status=3:TokenReviewStatus
TokenReviewSpec token=1:string audiences=2:[string]
TokenReviewStatus authenticated=1:bool user=2:UserInfo audiences=4:[string] error=3:string
UserInfo username=1:string uid=2:string groups=3:[string] extra=4:{texts}
# authorization/v1 authorization.k8s.io/v1
FieldSelectorAttributes rawSelector=1:string requirements=2:[meta/v1.FieldSelectorRequirement]
LabelSelectorAttributes rawSelector=1:string requirements=2:[meta/v1.LabelSelectorRequirement]
LocalSubjectAccessReview metadata=1:meta/v1.ObjectMeta spec=2:SubjectAccessReviewSpec? status=3:SubjectAccessReviewStatus
NonResourceAttributes path=1:string verb=2:string
NonResourceRule verbs=1:[string]? nonResourceURLs=2:[string]
ResourceAttributes namespace=1:string verb=2:string group=3:string version=4:string resource=5:string subresource=6:string name=7:string fieldSelector=8:FieldSelectorAttributes? labelSelector=9:LabelSelectorAttributes?
ResourceRule verbs=1:[string]? apiGroups=2:[string] resources=3:[string] resourceNames=4:[string]
SelfSubjectAccessReview metadata=1:meta/v1.ObjectMeta spec=2:SelfSubjectAccessReviewSpec? status=3:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec resourceAttributes=1:ResourceAttributes? nonResourceAttributes=2:NonResourceAttributes?
SelfSubjectRulesReview metadata=1:meta/v1.ObjectMeta spec=2:SelfSubjectRulesReviewSpec? status=3:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec namespace=1:string
SubjectAccessReview metadata=1:meta/v1.ObjectMeta spec=2:SubjectAccessReviewSpec? status=3:SubjectAccessReviewStatus
SubjectAccessReviewSpec resourceAttributes=1:ResourceAttributes? nonResourceAttributes=2:NonResourceAttributes? user=3:string groups=4:[string] extra=5:{texts} uid=6:string
SubjectAccessReviewStatus allowed=1:bool? denied=4:bool reason=2:string evaluationError=3:string
SubjectRulesReviewStatus resourceRules=1:[ResourceRule]? nonResourceRules=2:[NonResourceRule]? incomplete=3:bool? evaluationError=4:string
# autoscaling/v1 autoscaling/v1
Scale metadata=1:meta/v1.ObjectMeta spec=2:ScaleSpec status=3:ScaleStatus
ScaleSpec replicas=1:int
ScaleStatus replicas=1:int? selector=2:string
# batch/v1 batch/v1
CronJob metadata=1:meta/v1.ObjectMeta spec=2:CronJobSpec status=3:CronJobStatus
CronJobSpec schedule=1:string? timeZone=8:string? startingDeadlineSeconds=2:int? concurrencyPolicy=3:string suspend=4:bool? jobTemplate=5:JobTemplateSpec? successfulJobsHistoryLimit=6:int? failedJobsHistoryLimit=7:int?
CronJobStatus active=1:[core/v1.ObjectReference] lastScheduleTime=4:time? lastSuccessfulTime=5:time?
Job metadata=1:meta/v1.ObjectMeta spec=2:JobSpec status=3:JobStatus
JobCondition type=1:string? status=2:string? lastProbeTime=3:time lastTransitionTime=4:time reason=5:string message=6:string
JobSpec parallelism=1:int? completions=2:int? activeDeadlineSeconds=3:int? podFailurePolicy=11:PodFailurePolicy? successPolicy=16:SuccessPolicy? backoffLimit=7:int? backoffLimitPerIndex=12:int? maxFailedIndexes=13:int? selector=4:meta/v1.LabelSelector? manualSelector=5:bool? template=6:core/v1.PodTemplateSpec? ttlSecondsAfterFinished=8:int? completionMode=9:string? suspend=10:bool? podReplacementPolicy=14:string? managedBy=15:string?
JobStatus conditions=1:[JobCondition] startTime=2:time? completionTime=3:time? active=4:int succeeded=5:int failed=6:int terminating=11:int? completedIndexes=7:string failedIndexes=10:string? uncountedTerminatedPods=8:UncountedTerminatedPods? ready=9:int?
JobTemplateSpec metadata=1:meta/v1.ObjectMeta spec=2:JobSpec
PodFailurePolicy rules=1:[PodFailurePolicyRule]?
PodFailurePolicyOnExitCodesRequirement containerName=1:string? operator=2:string? values=3:[int]?
PodFailurePolicyOnPodConditionsPattern type=1:string? status=2:string?
PodFailurePolicyRule action=1:string? onExitCodes=2:PodFailurePolicyOnExitCodesRequirement? onPodConditions=3:[PodFailurePolicyOnPodConditionsPattern]
SuccessPolicy rules=1:[SuccessPolicyRule]?
SuccessPolicyRule succeededIndexes=1:string? succeededCount=2:int?
UncountedTerminatedPods succeeded=1:[string] failed=2:[string]
# coordination/v1 coordination.k8s.io/v1
Lease metadata=1:meta/v1.ObjectMeta spec=2:LeaseSpec
LeaseSpec holderIdentity=1:string? leaseDurationSeconds=2:int? acquireTime=3:microTime? renewTime=4:microTime? leaseTransitions=5:int? strategy=6:string? preferredHolder=7:string?
# discovery/v1 discovery.k8s.io/v1
Endpoint addresses=1:[string]? conditions=2:EndpointConditions hostname=3:string? targetRef=4:core/v1.ObjectReference? deprecatedTopology=5:{string} nodeName=6:string? zone=7:string? hints=8:EndpointHints?
EndpointConditions ready=1:bool? serving=2:bool? terminating=3:bool?
EndpointHints forZones=1:[ForZone] forNodes=2:[ForNode]
EndpointPort name=1:string? protocol=2:string? port=3:int? appProtocol=4:string?
EndpointSlice metadata=1:meta/v1.ObjectMeta addressType=4:string? endpoints=2:[Endpoint]? ports=3:[EndpointPort]?
ForNode name=1:string?
ForZone name=1:string?
# events/v1 events.k8s.io/v1
Event metadata=1:meta/v1.ObjectMeta? eventTime=2:microTime? series=3:EventSeries? reportingController=4:string reportingInstance=5:string action=6:string reason=7:string regarding=8:core/v1.ObjectReference related=9:core/v1.ObjectReference? note=10:string type=11:string deprecatedSource=12:core/v1.EventSource deprecatedFirstTimestamp=13:time deprecatedLastTimestamp=14:time deprecatedCount=15:int
EventSeries count=1:int? lastObservedTime=2:microTime?
# policy/v1 policy/v1
Eviction metadata=1:meta/v1.ObjectMeta deleteOptions=2:meta/v1.DeleteOptions?
PodDisruptionBudget metadata=1:meta/v1.ObjectMeta spec=2:PodDisruptionBudgetSpec status=3:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec minAvailable=1:intOrString? selector=2:meta/v1.LabelSelector? maxUnavailable=3:intOrString? unhealthyPodEvictionPolicy=4:string?
PodDisruptionBudgetStatus observedGeneration=1:int disruptedPods=2:{time} disruptionsAllowed=3:int? currentHealthy=4:int? desiredHealthy=5:int? expectedPods=6:int? conditions=7:[meta/v1.Condition]
# rbac/v1 rbac.authorization.k8s.io/v1
AggregationRule clusterRoleSelectors=1:[meta/v1.LabelSelector]
ClusterRole metadata=1:meta/v1.ObjectMeta rules=2:[PolicyRule]? aggregationRule=3:AggregationRule?
ClusterRoleBinding metadata=1:meta/v1.ObjectMeta subjects=2:[Subject] roleRef=3:RoleRef?
PolicyRule verbs=1:[string]? apiGroups=2:[string] resources=3:[string] resourceNames=4:[string] nonResourceURLs=5:[string]
Role metadata=1:meta/v1.ObjectMeta rules=2:[PolicyRule]?
RoleBinding metadata=1:meta/v1.ObjectMeta subjects=2:[Subject] roleRef=3:RoleRef?
RoleRef apiGroup=1:string? kind=2:string? name=3:string?
Subject kind=1:string? apiGroup=2:string name=3:string? namespace=4:string
# scheduling/v1 scheduling.k8s.io/v1
PriorityClass metadata=1:meta/v1.ObjectMeta value=2:int? globalDefault=3:bool description=4:string preemptionPolicy=5:string?
# apiextensions/v1 apiextensions.k8s.io/v1
CustomResourceColumnDefinition name=1:string? type=2:string? format=3:string description=4:string priority=5:int jsonPath=6:string?
CustomResourceConversion strategy=1:string? webhook=2:WebhookConversion?
CustomResourceDefinition metadata=1:meta/v1.ObjectMeta spec=2:CustomResourceDefinitionSpec? status=3:CustomResourceDefinitionStatus
CustomResourceDefinitionCondition type=1:string? status=2:string? lastTransitionTime=3:time reason=4:string message=5:string
CustomResourceDefinitionNames plural=1:string? singular=2:string shortNames=3:[string] kind=4:string? listKind=5:string categories=6:[string]
CustomResourceDefinitionSpec group=1:string? names=3:CustomResourceDefinitionNames? scope=4:string? versions=7:[CustomResourceDefinitionVersion]? conversion=9:CustomResourceConversion? preserveUnknownFields=10:bool
CustomResourceDefinitionStatus conditions=1:[CustomResourceDefinitionCondition]? acceptedNames=2:CustomResourceDefinitionNames? storedVersions=3:[string]?
CustomResourceDefinitionVersion name=1:string? served=2:bool? storage=3:bool? deprecated=7:bool deprecationWarning=8:string? schema=4:CustomResourceValidation? subresources=5:CustomResourceSubresources? additionalPrinterColumns=6:[CustomResourceColumnDefinition] selectableFields=9:[SelectableField]
CustomResourceSubresourceScale specReplicasPath=1:string? statusReplicasPath=2:string? labelSelectorPath=3:string?
CustomResourceSubresourceStatus
CustomResourceSubresources status=1:CustomResourceSubresourceStatus? scale=2:CustomResourceSubresourceScale?
CustomResourceValidation openAPIV3Schema=1:JSONSchemaProps?
ExternalDocumentation description=1:string url=2:string
JSONSchemaProps id=1:string $schema=2:string $ref=3:string? description=4:string type=5:string format=6:string title=7:string default=8:rawJson? maximum=9:double? exclusiveMaximum=10:bool minimum=11:double? exclusiveMinimum=12:bool maxLength=13:int? minLength=14:int? pattern=15:string maxItems=16:int? minItems=17:int? uniqueItems=18:bool multipleOf=19:double? enum=20:[rawJson] maxProperties=21:int? minProperties=22:int? required=23:[string] items=24:schemaOrList? allOf=25:[JSONSchemaProps] oneOf=26:[JSONSchemaProps] anyOf=27:[JSONSchemaProps] not=28:JSONSchemaProps? properties=29:{JSONSchemaProps} additionalProperties=30:schemaOrBool? patternProperties=31:{JSONSchemaProps} dependencies=32:{schemaOrNames} additionalItems=33:schemaOrBool? definitions=34:{JSONSchemaProps} externalDocs=35:ExternalDocumentation? example=36:rawJson? nullable=37:bool x-kubernetes-preserve-unknown-fields=38:bool? x-kubernetes-embedded-resource=39:bool x-kubernetes-int-or-string=40:bool x-kubernetes-list-map-keys=41:[string] x-kubernetes-list-type=42:string? x-kubernetes-map-type=43:string? x-kubernetes-validations=44:[ValidationRule]
SelectableField jsonPath=1:string?
ServiceReference namespace=1:string? name=2:string? path=3:string? port=4:int?
ValidationRule rule=1:string? message=2:string messageExpression=3:string reason=4:string? fieldPath=5:string optionalOldSelf=6:bool?
WebhookClientConfig url=3:string? service=1:ServiceReference? caBundle=2:bytes
WebhookConversion clientConfig=2:WebhookClientConfig? conversionReviewVersions=3:[string]?
# meta/v1 
Condition type=1:string? status=2:string? observedGeneration=3:int lastTransitionTime=4:time? reason=5:string? message=6:string?
DeleteOptions gracePeriodSeconds=1:int? preconditions=2:Preconditions? orphanDependents=3:bool? propagationPolicy=4:string? dryRun=5:[string] ignoreStoreReadErrorWithClusterBreakingPotential=6:bool?
FieldSelectorRequirement key=1:string? operator=2:string? values=3:[string]
LabelSelector matchLabels=1:{string} matchExpressions=2:[LabelSelectorRequirement]
LabelSelectorRequirement key=1:string? operator=2:string? values=3:[string]
ManagedFieldsEntry manager=1:string operation=2:string apiVersion=3:string time=4:time? fieldsType=6:string fieldsV1=7:rawJson? subresource=8:string
ObjectMeta name=1:string generateName=2:string namespace=3:string selfLink=4:string uid=5:string resourceVersion=6:string generation=7:int creationTimestamp=8:time deletionTimestamp=9:time? deletionGracePeriodSeconds=10:int? labels=11:{string} annotations=12:{string} ownerReferences=13:[OwnerReference] finalizers=14:[string] managedFields=17:[ManagedFieldsEntry]
OwnerReference apiVersion=5:string? kind=1:string? name=3:string? uid=4:string? controller=6:bool? blockOwnerDeletion=7:bool?
Preconditions uid=1:string? resourceVersion=2:string?
`;
