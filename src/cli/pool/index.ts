export { runTop } from './top.ts';
