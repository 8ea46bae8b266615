export {
  type AdmissionCluster,
  type AdmissionQuestion,
  type AdmissionVerdict,
  admissionVerdict,
  storedObject,
} from './admission.ts';
export {
  type RefusalCause,
  type RefusedObject,
  refusalCause,
  refusalText,
} from './refusal.ts';
