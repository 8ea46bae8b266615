// Objects that nobody thought of: an older webhook stored them, or a newer Spiderpool.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseNetConfList, type SpiderMultusConfig } from '#api';
import { readyCondition, renderDefinition } from './index.ts';
import { multusConfigWarnings } from './warnings.ts';

const names = fc.constantFrom('eth0', 'bond0', 'enp94s0f1np1x', 'a-very-long-interface-name', '', 'p4');
const value = fc.oneof(names, fc.integer({ min: -1, max: 5000 }), fc.boolean(), fc.constant(null));
const anything = fc.oneof(value, fc.array(value, { maxLength: 3 }), fc.object({ maxDepth: 1 }));
const fields = [
  'master',
  'mtu',
  'vlanID',
  'vlanMode',
  'bond',
  'ippools',
  'resourceName',
  'bridge',
  'trunk',
  'deviceID',
] as const;
const part = fc.dictionary(fc.constantFrom(...fields), anything, { maxKeys: 4 });
const good = fc.oneof(
  fc.record(
    {
      master: fc.uniqueArray(fc.constantFrom('eth0', 'eth1', 'enp94s0f1np1x'), {
        minLength: 1,
        maxLength: 2,
      }),
      vlanID: fc.integer({ min: 0, max: 4094 }),
      bond: fc.record({ name: names, mode: fc.integer({ min: 0, max: 6 }) }),
    },
    { requiredKeys: ['master'] },
  ),
  fc.constantFrom<object>({ resourceName: 'r' }, { bridge: 'br1' }),
);
const types = ['macvlan', 'ipvlan', 'vlan', 'sriov', 'ovs', 'ib-sriov', 'ipoib', 'custom'] as const;

const spec = fc
  .record({
    type: fc.constantFrom(...types),
    field: fc.oneof(
      { weight: 8, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...types) },
    ),
    part: fc.oneof(good, part),
    more: fc.dictionary(
      fc.constantFrom(
        'coordinator',
        'ipam',
        'chainCNIJsonData',
        'customCNI',
        'logOptions',
        'disableIPAM',
        'x',
      ),
      anything,
      { maxKeys: 2 },
    ),
  })
  .map(({ type, field, part: own, more }) => ({
    cniType: type,
    ...(type !== 'custom' && { [(field ?? type).replace('-', '')]: own }),
    ...more,
  }));

test('whatever is stored, it gives a readable configuration or issues, and never an exception', () => {
  let readable = 0;
  fc.assert(
    fc.property(spec, (given) => {
      const config = {
        metadata: { name: 'net', namespace: 'apps' },
        spec: given,
      } as unknown as SpiderMultusConfig;
      const { definition, issues } = renderDefinition(config);
      if (definition === undefined) {
        assert.notEqual(issues.length, 0);
        assert.equal(readyCondition(config, { verb: 'invalid', issues }).status, 'False');
        return;
      }
      multusConfigWarnings(config);
      const text = definition.spec?.config;
      if (text === undefined || given.cniType === 'custom') return;
      const { plugins } = parseNetConfList(text, { subject: 'rendered' });
      assert.ok(plugins.some((plugin) => plugin.type === given.cniType));
      readable += 1;
    }),
    { numRuns: 500 },
  );
  assert.notEqual(readable, 0);
});
