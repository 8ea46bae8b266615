export { WebhookAdmission } from './admission.ts';
export { conditionFault } from './condition.ts';
