export { type KubeletOptions, runKubelet } from './kubelet.ts';
export { defaultKubeletPaths, type KubeletPaths } from './kubelet-paths.ts';
export { type NodeFacts, nodeLabels } from './node-object.ts';
export { commandsOf } from './processes.ts';
