export {
  type AdmissionCluster,
  type AdmissionQuestion,
  type AdmissionVerdict,
  admissionVerdict,
  admittedObject,
} from './admission.ts';
