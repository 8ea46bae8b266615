export { openNamespace } from './namespace.ts';
export {
  assertThreadsAtHome,
  createNetns,
  inNetns,
  makeNetns,
  NetnsHandle,
  openNetns,
  primeThreads,
  removeNetns,
  type Sync,
  sameNetns,
} from './netns.ts';
