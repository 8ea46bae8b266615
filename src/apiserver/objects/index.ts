export { asObject } from './checks.ts';
export { asServer } from './cleanup.ts';
export { readDeleteOptions } from './delete-options.ts';
export { deleteObject } from './deletion.ts';
export { checkForm } from './form.ts';
export { Lifecycle } from './lifecycle.ts';
export { Objects } from './objects.ts';
export { type ApiAddress, OwnObjects } from './own-objects.ts';
export type { Subresource, Target } from './target.ts';
