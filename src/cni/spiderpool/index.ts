export { type SpiderpoolParts, SpiderpoolPlugin } from './spiderpool.ts';
