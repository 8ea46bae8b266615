export { builtInKinds } from './kinds.ts';
export { META_TYPES } from './meta-types.ts';
export { REVIEW_TYPES } from './review-types.ts';
