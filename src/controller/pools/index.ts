export { type CommitOptions, PoolCommits } from './pool-commits.ts';
