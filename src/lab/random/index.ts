export { randomTrial } from './trial.ts';
