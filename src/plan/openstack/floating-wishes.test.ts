import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Node, type Pod, resources } from '#api';
import { associationStep, FLOATING_IP_ANNOTATION, floatingWish, ownAddresses } from './floating-wishes.ts';

function pod(annotations: Record<string, string>, status: object = {}): Pod {
  return resources.pods.schema.parse({
    metadata: { name: 'a', annotations },
    spec: { containers: [] },
    status,
  });
}
const wish = (text: string, status = {}) => floatingWish(pod({ [FLOATING_IP_ANNOTATION]: text }, status));

describe('the floating IP that a pod asks for', () => {
  test('is one by its address, or one to be made in a network', () => {
    assert.deepEqual(wish(' 203.0.113.5 '), { value: { kind: 'address', address: '203.0.113.5' } });
    assert.deepEqual(wish('6b7e1c1e-0000-4000-8000-000000000000'), {
      value: { kind: 'network', networkId: '6b7e1c1e-0000-4000-8000-000000000000' },
    });
  });

  test('is none without the annotation, and of a pod that has ended', () => {
    assert.equal(floatingWish(pod({})), undefined);
    assert.equal(wish(''), undefined);
    for (const phase of ['Succeeded', 'Failed']) assert.equal(wish('203.0.113.5', { phase }), undefined);
  });

  test('is refused if it is neither', () => {
    for (const text of ['fd00::1', '203.0.113.0/24', '../x', 'a b', 'x'.repeat(300)]) {
      const refused = wish(text);
      assert.ok(refused !== undefined && 'why' in refused, text);
      assert.ok(refused.why.length < 300);
    }
  });
});

describe('the addresses of a pod', () => {
  const node: Node = resources.nodes.schema.parse({
    metadata: { name: 'n' },
    status: { addresses: [{ type: 'InternalIP', address: '10.0.0.5' }] },
  });

  test('are those of its status and of all its networks, IPv4 alone and each once', () => {
    const shown = JSON.stringify([
      { name: 'lan', interface: 'eth0', ips: ['10.0.0.7', 'fd00::7'], default: true },
      { name: 'other', interface: 'net1', ips: ['10.1.0.7'] },
    ]);
    const annotated = pod({ 'k8s.v1.cni.cncf.io/network-status': shown }, { podIPs: [{ ip: '10.0.0.7' }] });
    assert.deepEqual(ownAddresses(annotated, node), ['10.0.0.7', '10.1.0.7']);
  });

  test('are none of a pod in the network of its node, and those of its status where the annotation is broken', () => {
    assert.deepEqual(ownAddresses(pod({}, { podIPs: [{ ip: '10.0.0.5' }] }), node), []);
    const broken = pod({ 'k8s.v1.cni.cncf.io/network-status': '[{' }, { podIPs: [{ ip: '10.0.0.8' }] });
    assert.deepEqual(ownAddresses(broken, node), ['10.0.0.8']);
  });
});

describe('a floating IP', () => {
  const target = { portId: 'p', address: '10.0.0.7' };
  const floating = (port: string | null, fixed: string | null) => ({
    floating_ip_address: '203.0.113.5',
    port_id: port,
    fixed_ip_address: fixed,
  });
  const nobody = { user: undefined, isOurs: false };

  test('that leads nowhere, or elsewhere by us, is associated', () => {
    assert.equal(associationStep(floating(null, null), target, nobody), 'associate');
    assert.equal(
      associationStep(floating('q', '10.0.0.9'), target, { ...nobody, isOurs: true }),
      'associate',
    );
    assert.equal(associationStep(floating('p', '10.0.0.7'), target, nobody), 'done');
  });

  test('of an operator or of a living pod is not taken', () => {
    assert.deepEqual(associationStep(floating('q', '10.0.0.9'), target, nobody), {
      why: 'floating IP 203.0.113.5 leads to 10.0.0.9 of port q, and not by us',
    });
    assert.deepEqual(associationStep(floating(null, null), target, { user: 'default/b', isOurs: false }), {
      why: 'floating IP 203.0.113.5 is that of pod default/b',
    });
  });
});
