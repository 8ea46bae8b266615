import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CniFile, clusterCni } from './index.ts';

const file = (name: string, conf: unknown): CniFile => ({
  name,
  text: typeof conf === 'string' ? conf : JSON.stringify(conf),
});
const calico = file('10-calico.conflist', {
  name: 'k8s-pod-network',
  plugins: [{ type: 'calico' }, { type: 'portmap' }],
});
const multus = {
  name: 'multus-cni-network',
  type: 'multus',
  delegates: [{ name: 'cbr0', plugins: [{ type: 'flannel' }] }],
};

test('the first configuration by file name counts, as for the runtime', () => {
  const files = [
    file('20-x.conf', { name: 'x', type: 'bridge' }),
    calico,
    file('00-readme.txt', { name: 'no', type: 'no' }),
  ];
  assert.deepEqual(clusterCni(files), { name: 'k8s-pod-network', types: ['calico', 'portmap'] });
});

test('Multus is passed over, under any file name', () => {
  assert.equal(clusterCni([file('00-multus.conf', multus), calico]).name, 'k8s-pod-network');
  const shim = file('05-meta.conflist', { name: 'meta', plugins: [{ type: 'multus-shim' }] });
  assert.equal(clusterCni([shim, calico]).name, 'k8s-pod-network');
});

test('when Multus is the only configuration, the network that it passes pods to counts', () => {
  assert.deepEqual(clusterCni([file('00-multus.conf', multus)]), { name: 'cbr0', types: ['flannel'] });
  assert.deepEqual(
    clusterCni([
      file('a.conf', { name: 'm', type: 'multus', delegates: [{ name: 'c', type: 'cilium-cni' }] }),
    ]),
    {
      name: 'c',
      types: ['cilium-cni'],
    },
  );
});

test('an unreadable file is passed over, and a folder without configuration has none', () => {
  assert.equal(
    clusterCni([file('00-bad.conf', '{'), file('01-bad.conf', { type: 'x' }), calico]).name,
    'k8s-pod-network',
  );
  assert.deepEqual(clusterCni([]), { name: '', types: [] });
});
