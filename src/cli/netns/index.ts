export { netnsCommand, runNetnsList } from './run.ts';
