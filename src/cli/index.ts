export { type Commands, type LabFlags, orbctl } from './app.ts';
