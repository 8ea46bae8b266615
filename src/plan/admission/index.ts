export {
  type AdmissionCluster,
  type AdmissionQuestion,
  type AdmissionVerdict,
  admissionVerdict,
  storedObject,
} from './admission.ts';
export {
  type AnnotationProblems,
  namespaceAnnotationProblems,
  podAnnotationProblems,
  templateAnnotationProblems,
} from './annotation-problems.ts';
export { injectedPod, labelledNamespace } from './injection.ts';
export {
  type RefusalCause,
  type RefusedObject,
  refusalCause,
  refusalText,
} from './refusal.ts';
export { type RequestKnowledge, requestProblems } from './request-problems.ts';
