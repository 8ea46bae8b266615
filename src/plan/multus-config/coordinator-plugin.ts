// The `coordinator` plugin of a SpiderMultusConfig. It has only the options that the block sets. All others come from the
// SpiderCoordinator.

import type { LogOptions, Spec } from './spec.ts';

type Block = NonNullable<Spec['coordinator']>;

/** The configuration of the plugin. Empty texts and lists mean absent, as in Spiderpool. */
export function coordinatorPlugin({ coordinator = {}, logOptions }: Spec): object {
  const block = setByUser(coordinator);
  return {
    txQueueLen: block.txQueueLen,
    vethLinkAddress: block.vethLinkAddress || undefined,
    vethMTU: block.vethMTU,
    tunePodRoutes: block.tunePodRoutes,
    podMACPrefix: block.podMACPrefix || undefined,
    // Spiderpool's plugin knows only the short spelling.
    mode: block.mode === 'disabled' ? 'disable' : block.mode,
    type: 'coordinator',
    podDefaultRouteNic: block.podDefaultRouteNIC || undefined,
    podRPFilter: block.podRPFilter === undefined ? undefined : Math.max(block.podRPFilter, -1),
    hostRuleTable: block.hostRuleTable,
    hijackCIDR: block.hijackCIDR?.length === 0 ? undefined : block.hijackCIDR,
    policyRoutes: block.policyRoutes?.length === 0 ? undefined : block.policyRoutes,
    logOptions: logObject({ ...logOptions, ...block.logOptions }),
  };
}

/**
 * What the user set in the block. Spiderpool's webhook filled in `hostRuleTable: 500` and `podRPFilter: 0`, and Spiderpool
 * never passed them on (docs/adr/0031). They are left out of a block that the webhook has completed.
 */
function setByUser(block: Block): Block {
  const { hijackCIDR, policyRoutes, podMACPrefix, podDefaultRouteNIC } = block;
  const added = [hijackCIDR, policyRoutes, podMACPrefix, podDefaultRouteNIC];
  if (added.some((field) => field === undefined)) return block;
  const { hostRuleTable, podRPFilter, ...wishes } = block;
  return {
    ...wishes,
    ...(hostRuleTable !== 500 && { hostRuleTable }),
    ...(podRPFilter !== 0 && { podRPFilter }),
  };
}

/** The options of the log, by the names that the plugin reads. */
function logObject(log: LogOptions): object | undefined {
  const fields = {
    logLevel: log.logLevel || undefined,
    logFile: log.logFilePath || undefined,
    logMaxSize: log.logFileMaxSize,
    logMaxAge: log.logFileMaxAge,
    logMaxCount: log.logFileMaxCount,
  };
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}
