export { runFree } from './free.ts';
export { runHistory } from './history.ts';
export { runWho } from './who.ts';
