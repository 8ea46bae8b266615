// Names of definitions: what is refused of them, and who may have one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkAttachmentDefinition } from '#api';
import { configObject, macvlan, refusals, refusalsOf, rendered } from './config-fixture.ts';

const CR_NAME = 'multus.spidernet.io/cr-name';

test('a cr-name that is empty, too long or no DNS name is refused', () => {
  for (const name of ['', 'a'.repeat(254), 'Some_Name', '-a', 'a..b']) {
    const [text = ''] = refusals(macvlan, { [CR_NAME]: name });
    assert.ok(
      text.startsWith(`metadata.annotations[${CR_NAME}]: invalid custom net-attach-def resource name, err: `),
      text,
    );
  }
  assert.deepEqual(refusals(macvlan, { [CR_NAME]: 'a'.repeat(253) }), []);
});

test('a CNI version that no plugin has is refused', () => {
  const field = 'metadata.annotations[multus.spidernet.io/cni-version]';
  const [text] = refusals(macvlan, { 'multus.spidernet.io/cni-version': '9.9.9' });
  assert.equal(
    text,
    `${field}: unsupported CNI version 9.9.9: supported are 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0`,
  );
  assert.deepEqual(refusals(macvlan, { 'multus.spidernet.io/cni-version': '0.3.0' }), []);
});

test('a cniconfig-name that no CNI runtime accepts is refused', () => {
  const annotation = 'cni.spidernet.io/cniconfig-name';
  const [text = ''] = refusals(macvlan, { [annotation]: 'my net' });
  assert.ok(text.startsWith(`metadata.annotations[${annotation}]: must match `), text);
  assert.deepEqual(refusals(macvlan, { [annotation]: '' }), []);
});

test('the cr-name of a stored object cannot be added, changed or removed', () => {
  const named = (name?: string) =>
    configObject(macvlan, name === undefined ? {} : { annotations: { [CR_NAME]: name } });
  const field = `metadata.annotations[${CR_NAME}]`;
  assert.deepEqual(refusalsOf(named('b'), {}, named('a')), [
    `${field}: it's unsupported to change customized Multus net-attach-def resource name from 'a' to 'b'`,
  ]);
  assert.deepEqual(refusalsOf(named('b'), {}, named()), [
    `${field}: it's unsupported to changed Multus net-attach-def 'net' to customized name 'b'`,
  ]);
  assert.deepEqual(refusalsOf(named(), {}, named('a')), [
    `${field}: it's unsupported to change customized Multus net-attach-def resource name from 'a' to 'net'`,
  ]);
  assert.deepEqual(refusalsOf(named('a'), {}, named('a')), []);
});

test('a definition of another SpiderMultusConfig is not taken: not by cr-name, and not by name', () => {
  const other = configObject(macvlan, { name: 'other', uid: 'u2' });
  const lan = configObject(macvlan, { name: 'first', uid: 'u3', annotations: { [CR_NAME]: 'lan' } });
  const managed = (name: string, by: string) =>
    `the net-attach-def apps/${name} already exists and is managed by SpiderMultusConfig apps/${by}.`;
  const multusConfigs = () => [other, lan, configObject(macvlan)];
  assert.deepEqual(refusals(macvlan, { [CR_NAME]: 'lan' }, { multusConfigs }), [
    `metadata.annotations[${CR_NAME}]: ${managed('lan', 'first')}`,
  ]);
  assert.deepEqual(refusals(macvlan, { [CR_NAME]: 'other' }, { multusConfigs }), [
    `metadata.annotations[${CR_NAME}]: ${managed('other', 'other')}`,
  ]);
  assert.deepEqual(refusalsOf(configObject(macvlan, { name: 'lan' }), { multusConfigs }), [
    `metadata.name: ${managed('lan', 'first')}`,
  ]);
  assert.deepEqual(refusals(macvlan, {}, { multusConfigs }), []);
  const elsewhere = () => [configObject(macvlan, { ...lan.metadata, namespace: 'elsewhere' })];
  assert.deepEqual(refusals(macvlan, { [CR_NAME]: 'lan' }, { multusConfigs: elsewhere }), []);
});

test('a definition without owner may be taken over, and one of another owner may not', () => {
  const definition = (ownerReferences: object[]) => {
    const { metadata, ...rest } = rendered(macvlan);
    return { ...rest, metadata: { ...metadata, ownerReferences } } as NetworkAttachmentDefinition;
  };
  const owner = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderMultusConfig', uid: 'x' };
  const admitted = (ownerReferences: object[]) =>
    refusals(macvlan, {}, { definitions: () => [definition(ownerReferences)] });
  assert.deepEqual(admitted([]), []);
  assert.deepEqual(admitted([{ ...owner, name: 'net' }]), []);
  assert.deepEqual(admitted([{ ...owner, name: 'gone' }]), [
    'metadata.name: the net-attach-def apps/net already exists and is managed by SpiderMultusConfig apps/gone.',
  ]);
  const operator = { apiVersion: 'v1', kind: 'SriovNetwork', name: 's', uid: 'y', controller: true };
  assert.deepEqual(admitted([operator]), [
    'metadata.name: the net-attach-def apps/net already exists and is managed by SriovNetwork s.',
  ]);
});
