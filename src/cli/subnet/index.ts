export { runTree } from './tree.ts';
