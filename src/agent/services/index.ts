export { endNodeServices, NodeServices } from './node-services.ts';
export { ServiceAnswers } from './service-answers.ts';
