export { proposals } from './proposals.ts';
export { shellScript, shells } from './shell-script.ts';
