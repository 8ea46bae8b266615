export type {
  CallOptions,
  KubeClient,
  ObjectList,
  ObjectRef,
  PatchType,
  Selection,
  WatchEvent,
} from './client.ts';
export { inClusterConfig, type KubeConfig, kubeconfigFile, type TlsIdentity } from './config.ts';
export { type ConnectOptions, connect } from './http-client.ts';
