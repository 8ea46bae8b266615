// What environment and configuration say about reclaiming, under the names of Spiderpool's controller.

import type { AgentConfig } from '#api';
import { OrbError } from '#base';
import { defaultReclaimSettings, type ReclaimSettings } from '#plan/reclaim';
import { wholeNumber } from '#program';

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws OrbError INPUT_INVALID, which names the variable and its value */
export function readReclaiming(
  env: Environment,
  { enableStatefulSet, enableKubevirtStaticIP }: AgentConfig,
): {
  readonly settings: ReclaimSettings;
  readonly scanIntervalMs: number;
} {
  const standard = defaultReclaimSettings;
  const seconds = (name: string, value: number, least: number) =>
    wholeNumber(name, env[name] || String(value), least, 86_400) * 1000;
  return {
    settings: {
      ...standard,
      fixedForStatefulSets: enableStatefulSet,
      fixedForVirtualMachines: enableKubevirtStaticIP,
      enabled: flag(env, 'SPIDERPOOL_GC_IP_ENABLED', standard.enabled),
      endedPodsOnReadyNodes: flag(
        env,
        'SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED',
        standard.endedPodsOnReadyNodes,
      ),
      endedPodsOnNotReadyNodes: flag(
        env,
        'SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED',
        standard.endedPodsOnNotReadyNodes,
      ),
      runningPodsWithoutAddress: flag(
        env,
        'SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS',
        standard.runningPodsWithoutAddress,
      ),
      additionalGraceMs: seconds('SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY', 0, 0),
    },
    scanIntervalMs: seconds('SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION', 600, 1),
  };
}

/** The words that Go's `strconv.ParseBool` accepts. */
const words: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false] as const),
]);

function flag(env: Environment, name: string, standard: boolean): boolean {
  const text = env[name];
  if (text === undefined || text === '') return standard;
  const value = words.get(text);
  if (value !== undefined) return value;
  throw new OrbError('INPUT_INVALID', {
    message: `${name} ${JSON.stringify(text)} is neither true nor false`,
    subject: name,
  });
}
