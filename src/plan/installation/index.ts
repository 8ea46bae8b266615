export { isEstablished, type KindStep, kindStep, marked, VERSION_ANNOTATION } from './kind-step.ts';
