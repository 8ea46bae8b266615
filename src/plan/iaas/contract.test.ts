// The bodies of the contract, and which answers are refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { parseAddress, parseNetwork } from '#ip';
import { type BoundAddress, bindingBody, readBinding, releaseBody } from './index.ts';

const asked: BoundAddress = {
  pod: { namespace: 'default', name: 'web', uid: 'uid-web' },
  node: 'node1',
  parentNicMac: 'fa:16:3e:11:22:33',
  address: parseAddress('10.0.0.10'),
  subnet: parseNetwork('10.0.0.0/24'),
};

/** An answer that binds the address, with changes. */
function answer(changes: object = {}): string {
  const bound = {
    ...{ parentNicMac: 'fa:16:3e:11:22:33', subnet: '10.0.0.0/24', ipAddress: '10.0.0.10' },
    ...{ macAddress: 'fa:16:3e:aa:bb:cc', vlanId: 100 },
    ...changes,
  };
  return answers([bound]);
}

const answers = (bound: unknown) => JSON.stringify({ podName: 'web', iaasIPsAllocationResponse: bound });

test('the bodies have the fields of Spiderpool’s contract', () => {
  const pod = { podName: 'web', podNamespace: 'default', podUID: 'uid-web', nodeName: 'node1' };
  const address = { ipAddress: '10.0.0.10', subnet: '10.0.0.0/24', parentNicMac: 'fa:16:3e:11:22:33' };
  assert.deepEqual(bindingBody(asked), { ...pod, iaasIPsAllocationRequest: [address] });
  assert.deepEqual(releaseBody(asked), { ...pod, ...address });
  const { parentNicMac: _, ...bySpiderpool } = address;
  assert.deepEqual(releaseBody({ ...asked, parentNicMac: '' }), { ...pod, ...bySpiderpool });
});

test('an answer gives the MAC address in the kernel’s form, and the VLAN', () => {
  assert.deepEqual(readBinding(answer(), asked), { mac: 'fa:16:3e:aa:bb:cc', vlan: 100 });
  assert.deepEqual(readBinding(answer({ macAddress: 'FA-16-3E-AA-BB-CC', vlanId: 4094 }), asked), {
    ...{ mac: 'fa:16:3e:aa:bb:cc', vlan: 4094 },
  });
});

test('a field that the provider leaves out stays as it is, also where it is written as Go’s zero value', () => {
  for (const empty of [
    { macAddress: undefined, vlanId: undefined },
    { macAddress: '', vlanId: 0 },
    { macAddress: null, vlanId: null, parentNicMac: '' },
  ]) {
    assert.deepEqual(readBinding(answer(empty), asked), {});
  }
});

const wrong: [string, string, RegExp][] = [
  ['another address', answer({ ipAddress: '10.0.0.11' }), /names "10.0.0.11", which nobody asked for/],
  ['no address', answers([]), /lacks the address/],
  ['the address twice', answers([{ ipAddress: '10.0.0.10' }, { ipAddress: '10.0.0.10' }]), /twice/],
  ['another NIC', answer({ parentNicMac: 'fa:16:3e:99:99:99' }), /on the NIC "fa:16:3e:99:99:99", but fa:16/],
  ['a text for a MAC address', answer({ macAddress: 'fa:16' }), /macAddress "fa:16", which is no unicast/],
  ['a group’s MAC address', answer({ macAddress: '01:00:5e:00:00:01' }), /macAddress/],
  ['no interface’s MAC address', answer({ macAddress: '00:00:00:00:00:00' }), /macAddress/],
  ['a VLAN above 4094', answer({ vlanId: 4095 }), /iaasIPsAllocationResponse.0.vlanId/],
  ['a VLAN below 0', answer({ vlanId: -1 }), /vlanId/],
  ['a VLAN in words', answer({ vlanId: '100' }), /vlanId/],
  ['a broken VLAN', answer({ vlanId: 1.5 }), /vlanId/],
  ['another form', answers('none'), /has another form: iaasIPsAllocationResponse/],
  ['nothing', '', /is not JSON: ""/],
  ['a page', '<html>Welcome</html>', /is not JSON: "<html>Welcome<\/html>"/],
  ['null', 'null', /has another form/],
];
for (const [what, body, message] of wrong) {
  test(`an answer is refused with ${what}`, () => {
    assert.throws(
      () => readBinding(body, asked),
      (error: unknown) => {
        assert.ok(isOrbError(error, 'IAAS_ANSWER_INVALID'));
        assert.match(error.message, /^the IaaS provider's answer to allocate-ips for 10.0.0.10 /);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
