export { type Certificate, newKey, selfSigned, stillServes } from './http/certificate.ts';
export type { ApiObject, Json, JsonObject } from './json.ts';
export { apiClusterIps, type ServiceRanges } from './kinds/service.ts';
export type { Admission, AdmissionRequest } from './objects/ports.ts';
export { poolAdmission } from './pool-admission.ts';
export { ApiServer, type ApiServerOptions, type ListenAt } from './server.ts';
