export { WebhookAdmission } from './admission.ts';
