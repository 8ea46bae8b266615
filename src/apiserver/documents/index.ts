export { Documents } from './documents.ts';
