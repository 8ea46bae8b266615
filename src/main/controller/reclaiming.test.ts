// Which settings of Spiderpool's controller reclaiming follows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAgentConfig } from '#api';
import { defaultReclaimSettings } from '#plan/reclaim';
import { readReclaiming } from './reclaiming.ts';

const chart = parseAgentConfig({ enableStatefulSet: true, enableKubevirtStaticIP: true });

test('without variables, reclaiming works as with the chart', () => {
  const { settings, scanIntervalMs } = readReclaiming({}, chart);
  assert.deepEqual([settings, scanIntervalMs], [defaultReclaimSettings, 600_000]);
});

test('the variables and keys of Spiderpool act, in the words that Go reads', () => {
  const env = {
    SPIDERPOOL_GC_IP_ENABLED: 'F',
    SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED: '0',
    SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED: 'False',
    SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS: 'TRUE',
    SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY: '7',
    SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION: '30',
  };
  const { settings, scanIntervalMs } = readReclaiming(env, parseAgentConfig({}));
  assert.equal(scanIntervalMs, 30_000);
  assert.deepEqual(settings, {
    ...{ enabled: false, endedPodsOnReadyNodes: false, endedPodsOnNotReadyNodes: false },
    ...{ runningPodsWithoutAddress: true, additionalGraceMs: 7000 },
    ...{ fixedForStatefulSets: false, fixedForVirtualMachines: false },
    silentNodePatienceMs: defaultReclaimSettings.silentNodePatienceMs,
    unknownNodePatienceMs: defaultReclaimSettings.unknownNodePatienceMs,
  });
});

test('a value that is none is refused with the name of its variable', () => {
  assert.throws(() => readReclaiming({ SPIDERPOOL_GC_IP_ENABLED: 'yes' }, chart), {
    message: 'SPIDERPOOL_GC_IP_ENABLED "yes" is neither true nor false',
  });
  assert.throws(
    () => readReclaiming({ SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION: '0' }, chart),
    /SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION "0"/,
  );
});
