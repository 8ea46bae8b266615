export { isEstablished, type KindStep, kindStep, marked, VERSION_ANNOTATION } from './kind-step.ts';
export { type Platform, platforms } from './platforms.ts';
