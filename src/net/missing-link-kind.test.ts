// Which refusals of a link say that a module of the kernel is missing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingLinkKind } from './missing-link-kind.ts';
import type { LinkSpec } from './objects.ts';

const vlan: LinkSpec = { name: 'eth1.100', type: { kind: 'vlan', parent: 'eth1', vlanId: 100 } };
const refused = { errno: 'EOPNOTSUPP', words: 'Operation not supported' };

test('one sentence names the module and how to load it, with and without the words of a newer kernel', () => {
  for (const extAck of [undefined, 'Unknown device type']) {
    const error = missingLinkKind(vlan, { ...refused, extAck });
    assert.equal(error?.code, 'KERNEL_LACKS');
    assert.equal(
      error.message,
      'the kernel of this node has no links of type vlan: load its module 8021q with `modprobe 8021q`, so that eth1.100 can be made: EOPNOTSUPP: Operation not supported',
    );
  }
});

test('another refusal says nothing of a module', () => {
  assert.equal(
    missingLinkKind(vlan, { errno: 'EEXIST', words: 'File exists', extAck: undefined }),
    undefined,
  );
  const extAck = 'VLANs are not supported on this device';
  assert.equal(missingLinkKind(vlan, { ...refused, extAck }), undefined);
});
