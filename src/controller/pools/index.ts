export { CommitListener, type CommitOptions } from './commit-listener.ts';
