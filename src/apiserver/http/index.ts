export { acceptedForm, type Form, managerOf, sendDone, sendJson, sendText } from './answer.ts';
export { MAXIMUM_DEPTH, mediaType, parseBody, readBody, refuseUnfit } from './body.ts';
export { type ListenAt, Listeners } from './listeners.ts';
export { type ResourcePath, resourcePath, splitUrl } from './request.ts';
