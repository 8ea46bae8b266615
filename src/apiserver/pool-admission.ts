// Admission of SpiderIPPools and SpiderReservedIPs in process: what the controller's webhooks do on a cluster.

import { type FieldIssue, type SpiderIPPool, type SpiderReservedIP, spiderSchemas } from '#api';
import {
  type AdmissionIssue,
  defaultPool,
  defaultReservedIP,
  validatePool,
  validatePoolDeletion,
  validateReservedIP,
} from '#plan/ipam';
