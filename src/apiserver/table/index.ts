export { type IncludeObject, tableOf } from './table.ts';
