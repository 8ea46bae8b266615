export { maximumNodes } from './addressing.ts';
export { runControllers } from './controllers/index.ts';
export { type LabParts, runLab } from './lab.ts';
export { type LabKubeletParts, runLabKubelet } from './lab-kubelet.ts';
export { labNamespaces, labOverlayTable } from './namespaces.ts';
export { askByProbe, type Question, type Verdict } from './prober.ts';
export type { Screen } from './progress.ts';
export { execCommand, type RunningLab, runningLabs } from './running-labs.ts';
export { enterSandbox, type InnerOptions, type LabOptions } from './sandbox.ts';
