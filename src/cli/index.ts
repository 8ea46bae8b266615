export { type Commands, orbctl } from './app.ts';
export type { LabFlags } from './lab.ts';
