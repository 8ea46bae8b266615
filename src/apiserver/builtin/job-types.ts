// The types of Jobs and CronJobs (k8s.io/api batch/v1, by field).

export const JOB_TYPES = `
JobSpec Desired state of a job.
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

PodFailurePolicy Effects of failed pods on the job.
  rules! [PodFailurePolicyRule]

PodFailurePolicyRule One kind of failure and its effect.
  action! string
  onExitCodes PodFailurePolicyOnExitCodes
  onPodConditions [PodFailurePolicyOnPodCondition]

PodFailurePolicyOnExitCodes Exit codes that match the rule.
  containerName string
  operator! string
  values! [int] set

PodFailurePolicyOnPodCondition A pod condition that matches the rule.
  type! string
  status! string

SuccessPolicy When a job succeeds before all its pods have succeeded.
  rules! [SuccessPolicyRule]

SuccessPolicyRule The indexes that must succeed, and their number.
  succeededIndexes string
  succeededCount int

JobStatus Observed state of a job.
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

UncountedTerminatedPods Finished pods that are not counted yet.
  succeeded [string] set
  failed [string] set

CronJobSpec Schedule and template of jobs.
  schedule! string
  timeZone string
  startingDeadlineSeconds long
  concurrencyPolicy string
  suspend bool
  jobTemplate! JobTemplateSpec
  successfulJobsHistoryLimit int
  failedJobsHistoryLimit int

JobTemplateSpec Template of jobs.
  metadata ObjectMeta
  spec JobSpec

CronJobStatus Observed state of a cron job.
  active [ObjectReference]
  lastScheduleTime time
  lastSuccessfulTime time
`;
