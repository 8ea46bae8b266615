export { type Decision, type Flow, lookUp } from './lookup.ts';
export { type Arrival, sourceRefusal } from './reverse-path.ts';
export { sourceFor } from './source-address.ts';
export { type LinkView, linkSysctl, type NamespaceView } from './view.ts';
