export { CommitListener, type CommitOptions } from './commit-listener.ts';
export { NodeQuestions } from './node-questions.ts';
