// The types of Jobs and CronJobs (k8s.io/api batch/v1, by field).

export const jobTypes = `
JobSpec What a job should be.
  parallelism int
  completions int
  activeDeadlineSeconds long
  podFailurePolicy PodFailurePolicy
  successPolicy SuccessPolicy
  backoffLimit int
  backoffLimitPerIndex int
  maxFailedIndexes int
  selector LabelSelector
  manualSelector bool
  template! PodTemplateSpec
  ttlSecondsAfterFinished int
  completionMode string
  suspend bool
  podReplacementPolicy string
  managedBy string

PodFailurePolicy What failed pods mean for the job.
  rules! [PodFailurePolicyRule]

PodFailurePolicyRule One kind of failure.
  action! string
  onExitCodes PodFailurePolicyOnExitCodes
  onPodConditions [PodFailurePolicyOnPodCondition]

PodFailurePolicyOnExitCodes Exit codes that the rule is about.
  containerName string
  operator! string
  values! [int] set

PodFailurePolicyOnPodCondition A condition that the rule is about.
  type! string
  status! string

SuccessPolicy When the job counts as done before all is done.
  rules! [SuccessPolicyRule]

SuccessPolicyRule Which indexes, and how many.
  succeededIndexes string
  succeededCount int

JobStatus What a job is now.
  conditions [JobCondition] by type
  startTime time
  completionTime time
  active int
  succeeded int
  failed int
  terminating int
  completedIndexes string
  failedIndexes string
  uncountedTerminatedPods UncountedTerminatedPods
  ready int

JobCondition One aspect of the state of a job.
  type! string
  status! string
  lastProbeTime time
  lastTransitionTime time
  reason string
  message string

UncountedTerminatedPods Pods that ended and are not in the counts yet.
  succeeded [string] set
  failed [string] set

CronJobSpec When which job is made.
  schedule! string
  timeZone string
  startingDeadlineSeconds long
  concurrencyPolicy string
  suspend bool
  jobTemplate! JobTemplateSpec
  successfulJobsHistoryLimit int
  failedJobsHistoryLimit int

JobTemplateSpec The jobs that are made.
  metadata ObjectMeta
  spec JobSpec

CronJobStatus What a cron job is now.
  active [ObjectReference]
  lastScheduleTime time
  lastSuccessfulTime time
`;
