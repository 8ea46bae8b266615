export type { ListenAt } from './http/index.ts';
export type { ApiObject, Json, JsonObject } from './json.ts';
export { apiClusterIps, type ServiceRanges } from './kinds/index.ts';
export { poolAdmission } from './pool-admission.ts';
export type { Admission, AdmissionRequest } from './ports.ts';
export { ApiServer, type ApiServerOptions } from './server.ts';
