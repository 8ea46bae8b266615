export type {
  AccountToken,
  CallOptions,
  KubeClient,
  ObjectList,
  ObjectRef,
  PatchType,
  Selection,
  WatchEvent,
} from './client.ts';
export { inClusterConfig, type KubeConfig, kubeconfigFile } from './config.ts';
export { type EventNote, EventRecorder, type EventRecorderOptions } from './events.ts';
export { type ConnectOptions, connect } from './http-client.ts';
export { ifFound } from './if-found.ts';
export { againOnConflict } from './on-conflict.ts';
export {
  type ChangeHandler,
  type ObjectChange,
  Reflector,
  type ReflectorOptions,
  type ReflectorStatistics,
} from './reflector.ts';
export { nameOf, refOf } from './resource-path.ts';
export { type IndexKeys, keyOf, Store } from './store.ts';
export { WorkQueue, type WorkQueueOptions } from './work-queue.ts';
