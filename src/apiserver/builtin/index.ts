export { builtInKinds } from './kinds.ts';
export { metaTypes } from './meta-types.ts';
export { reviewTypes } from './review-types.ts';
