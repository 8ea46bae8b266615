export type { Entry, EventType, ObjectKey, StoreEvent } from './entry.ts';
export { Store } from './store.ts';
