export { askRuntime } from './ask-runtime.ts';
