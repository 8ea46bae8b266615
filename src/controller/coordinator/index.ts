export { coordinatorController } from './coordinator.ts';
export { Sources } from './sources.ts';
