export { overlapController } from './overlap.ts';
