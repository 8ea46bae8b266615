export { runWho } from './who.ts';
