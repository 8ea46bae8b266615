// The `ipam` object of the main plugin's configuration.

import { hasIpam, type LogOptions, poolsOf, type Spec } from './spec.ts';

/** Undefined if the interface gets no addresses. */
export function ipamObject(spec: Spec): object | undefined {
  if (!hasIpam(spec)) return undefined;
  const pools = poolsOf(spec);
  const log: LogOptions = { ...spec.logOptions, ...spec.ipam?.logOptions };
  const fields = {
    type: 'spiderpool',
    log_level: log.logLevel || undefined,
    log_file_path: log.logFilePath || undefined,
    log_file_max_size: log.logFileMaxSize,
    log_file_max_age: log.logFileMaxAge,
    log_file_max_count: log.logFileMaxCount,
    default_ipv4_ippool: unlessEmpty(pools?.ipv4),
    default_ipv6_ippool: unlessEmpty(pools?.ipv6),
    match_master_subnet: (spec.cniType === 'sriov' && pools?.matchMasterSubnet) || undefined,
  };
  return fields;
}

function unlessEmpty(names: readonly string[] | undefined): readonly string[] | undefined {
  return names !== undefined && names.length > 0 ? names : undefined;
}
