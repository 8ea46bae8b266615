// Checks of the log levels in a SpiderMultusConfig.

import type { AdmissionIssue } from '#plan/ipam';
import type { Spec } from './spec.ts';

/** Spiderpool's levels. Its plugins fail with any other. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'];

/** One issue for each level that no plugin knows. Case does not count, and empty means absent. */
export function logIssues({ ipam, coordinator, logOptions }: Spec): AdmissionIssue[] {
  const levels: [string, string | undefined][] = [
    ['spec.logOptions.logLevel', logOptions?.logLevel],
    ['spec.ipam.logOptions.logLevel', ipam?.logOptions?.logLevel],
    ['spec.coordinator.logOptions.logLevel', coordinator?.logOptions?.logLevel],
  ];
  return levels.flatMap(([field, value]) => {
    if (!value || LEVELS.includes(value.toLowerCase())) return [];
    return [{ field, value, message: `is an unsupported log level; allowed: ${LEVELS.join(', ')}` }];
  });
}
