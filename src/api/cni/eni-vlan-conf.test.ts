import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEniVlanConf } from './eni-vlan-conf.ts';
import { parseNetConf } from './net-conf.ts';

const read = (conf: object) =>
  parseEniVlanConf(parseNetConf(JSON.stringify({ name: 'net', type: 'eni-vlan', ...conf })));

test('a configuration names the master; all else has a default', () => {
  const { master, mtu } = read({ master: 'eth1', ipam: { type: 'spiderpool' } });
  assert.deepEqual([master, mtu], ['eth1', 0]);
  assert.equal(read({ master: 'bond0', mtu: 1400, vlanMode: 'auto' }).mtu, 1400);
});

for (const [what, conf, message] of [
  ['no master', {}, /^eni-vlan configuration: master: is required/],
  ['a master that is no name', { master: 'a/b' }, /master: "a\/b".* must be the name of an interface/],
  ['an MTU too small for IPv4', { master: 'eth1', mtu: 60 }, /mtu: 60.* must be 68 to 65535, or 0/],
  ['a VLAN of the user', { master: 'eth1', vlanId: 100 }, /vlanId: 100.* must be absent/],
  ['the mode of type vlan', { master: 'eth1', vlanMode: 'manual' }, /vlanMode: "manual" is not one of auto/],
] as const) {
  test(`${what} is refused, with field and value`, () => {
    assert.throws(() => read(conf), { code: 'INPUT_INVALID', message });
  });
}
