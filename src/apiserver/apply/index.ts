export { sameBesidesTimes, type Writer } from './managed-fields.ts';
export { serverSideApply } from './server-side-apply.ts';
export { trackUpdate } from './update-tracking.ts';
