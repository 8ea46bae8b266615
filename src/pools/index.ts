export {
  answerText,
  COMMIT_PATH,
  type CommitAnswer,
  type CommitRequest,
  MAXIMUM_COMMIT_BYTES,
  readRequest,
} from './commit-message.ts';
export { KeptBack } from './kept-back.ts';
export {
  COMMIT_AUDIENCE,
  LEADER_ADDRESS,
  LEADER_CA,
  LEADER_SERVER_NAME,
  LeaderLink,
} from './leader-link.ts';
export { LeaderToken, type LeaderTokenOptions } from './leader-token.ts';
export { type AgentPoolMetrics, type PoolMetrics, silentPoolMetrics } from './metrics.ts';
export { PoolClient } from './pool-client.ts';
export { type Gathering, PoolCommitter } from './pool-committer.ts';
export { PoolCopy } from './pool-copy.ts';
export {
  ANSWERS_PATH,
  askedText,
  canBeAsked,
  MOST_QUESTIONS,
  QUESTION_PATH,
  QUESTION_WAIT_MS,
  readAnswers,
  readQuestion,
  type SandboxAnswer,
  type SandboxAnswers,
  type SandboxQuestion,
  sandboxText,
} from './sandbox-message.ts';
