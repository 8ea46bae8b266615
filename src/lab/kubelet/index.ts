export { defaultKubeletPaths, type KubeletOptions, type KubeletPaths, runKubelet } from './kubelet.ts';
export { type NodeFacts, nodeLabels } from './node-object.ts';
export { commandsOf } from './processes.ts';
