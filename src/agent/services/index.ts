export { ServiceAnswers } from './service-answers.ts';
export { endServiceMode, serviceSwitch } from './service-mode.ts';
