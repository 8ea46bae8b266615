export { ServiceAnswers } from './service-answers.ts';
export { endServiceMode, startServiceMode } from './service-mode.ts';
