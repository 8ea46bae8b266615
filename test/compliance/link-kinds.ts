// How links that stand on others behave, VLANs, ipvlans and bonds: one suite for the fake and for real namespaces. For tests only.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { errnoOf, type LinkKind, type NetworkChange, type NetworkNamespace } from '#net';

/** Declares the tests; `open` gives two new, empty namespaces before each. */
export function linkKindCompliance(open: () => readonly [NetworkNamespace, NetworkNamespace]): void {
  let namespace: NetworkNamespace;
  let other: NetworkNamespace;
  beforeEach(() => {
    [namespace, other] = open();
  });
  afterEach(() => {
    namespace.close();
    other.close();
  });

  standingTests(() => namespace);
  abroadTests(
    () => namespace,
    () => other,
  );
  bondTests(() => namespace);
}

function make(name: string, type: LinkKind, up = false): NetworkChange {
  return { verb: 'create', kind: 'link', link: { name, type, up } };
}

function set(link: Extract<NetworkChange, { kind: 'link'; verb: 'set' }>['link']): NetworkChange {
  return { verb: 'set', kind: 'link', link };
}

function errnoOfChange(namespace: NetworkNamespace, ...changes: NetworkChange[]): string | undefined {
  try {
    namespace.change(changes);
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

function standingTests(opened: () => NetworkNamespace): void {
  void test('a dummy is made and reports its kind', () => {
    opened().change([make('d0', { kind: 'dummy' }, true)]);
    const { kind, up } = opened().link('d0') ?? {};
    assert.deepEqual({ kind, up }, { kind: 'dummy', up: true });
  });

  void test('a VLAN reports its parent and its id, and shares the MAC address of its parent', () => {
    opened().change([make('d0', { kind: 'dummy' }), make('d0.7', { kind: 'vlan', parent: 'd0', vlanId: 7 })]);
    const parent = opened().link('d0');
    const { kind, vlanId, linkIndex, mac } = opened().link('d0.7') ?? {};
    assert.deepEqual(
      { kind, vlanId, linkIndex, mac },
      { kind: 'vlan', vlanId: 7, linkIndex: parent?.index, mac: parent?.mac },
    );
  });

  void test('a parent has each VLAN id only once, whatever the name, and another parent may have the same id', () => {
    opened().change([
      make('d0', { kind: 'dummy' }),
      make('d1', { kind: 'dummy' }),
      make('d0.7', { kind: 'vlan', parent: 'd0', vlanId: 7 }),
      make('d1.7', { kind: 'vlan', parent: 'd1', vlanId: 7 }),
    ]);
    const again = make('storage', { kind: 'vlan', parent: 'd0', vlanId: 7 });
    assert.equal(errnoOfChange(opened(), again), 'EEXIST');
  });

  void test('an ipvlan reports its parent, and keeps the MAC address of its parent', () => {
    opened().change([
      make('d0', { kind: 'dummy' }),
      make('ipv0', { kind: 'ipvlan', parent: 'd0', mode: 'l2' }),
    ]);
    const parent = opened().link('d0');
    const { kind, linkIndex, mac } = opened().link('ipv0') ?? {};
    assert.deepEqual(
      { kind, linkIndex, mac },
      { kind: 'ipvlan', linkIndex: parent?.index, mac: parent?.mac },
    );
    const changed = set({ name: 'ipv0', mac: '0a:1b:0a:06:d4:f1' });
    assert.equal(errnoOfChange(opened(), changed), 'EOPNOTSUPP');
    assert.equal(opened().link('ipv0')?.mac, parent?.mac);
  });

  for (const type of [
    { kind: 'vlan', parent: 'd0', vlanId: 7 },
    { kind: 'ipvlan', parent: 'd0', mode: 'l2' },
  ] as const) {
    void test(`the ${type.kind} is deleted with its parent`, () => {
      opened().change([make('d0', { kind: 'dummy' }), make('child', type)]);
      opened().change([{ verb: 'delete', kind: 'link', name: 'd0' }]);
      assert.equal(opened().link('child'), undefined);
    });

    void test(`a ${type.kind} on a missing parent is refused with ENODEV`, () => {
      assert.equal(errnoOfChange(opened(), make('child', type)), 'ENODEV');
    });
  }
}

function abroadTests(opened: () => NetworkNamespace, other: () => NetworkNamespace): void {
  const made = (name: string, fd: number): NetworkChange => ({
    ...{ verb: 'create', kind: 'link' },
    link: { name, type: { kind: 'vlan', parent: 'd0', vlanId: 7 }, netnsFd: fd },
  });

  void test('a VLAN is made in another namespace, on a parent of this one, where its id is taken then', () => {
    opened().change([make('d0', { kind: 'dummy' }), made('x0', other().fd)]);
    const { kind, vlanId, linkIndex, linkNetnsId } = other().link('x0') ?? {};
    assert.deepEqual([kind, vlanId, linkIndex], ['vlan', 7, opened().link('d0')?.index]);
    assert.notEqual(linkNetnsId, undefined);
    assert.equal(opened().link('x0'), undefined);
    assert.equal(errnoOfChange(opened(), made('x1', other().fd)), 'EEXIST');
    const here = make('d0.7', { kind: 'vlan', parent: 'd0', vlanId: 7 });
    assert.equal(errnoOfChange(opened(), here), 'EEXIST');
    other().change([{ verb: 'delete', kind: 'link', name: 'x0' }]);
    assert.equal(errnoOfChange(opened(), here), undefined);
  });
}

function bondTests(opened: () => NetworkNamespace): void {
  const bonded = [
    make('bond7', { kind: 'bond', mode: 4, options: { lacp_rate: 'fast' } }),
    make('d0', { kind: 'dummy' }),
    set({ name: 'd0', master: 'bond7' }),
  ];

  void test('a bond reports its mode, and its ports report their bond', () => {
    opened().change(bonded);
    const bond = opened().link('bond7');
    assert.deepEqual([bond?.kind, bond?.bondMode], ['bond', 4]);
    assert.equal(opened().link('d0')?.masterIndex, bond?.index);
  });

  void test('a bond refuses a port that is up', () => {
    opened().change([...bonded, make('d1', { kind: 'dummy' }, true)]);
    assert.equal(errnoOfChange(opened(), set({ name: 'd1', master: 'bond7' })), 'EPERM');
    assert.equal(opened().link('d1')?.masterIndex, undefined);
  });

  void test('the ports of a deleted bond stay and are free', () => {
    opened().change(bonded);
    opened().change([{ verb: 'delete', kind: 'link', name: 'bond7' }]);
    assert.equal(opened().link('d0')?.masterIndex, undefined);
    assert.notEqual(opened().link('d0'), undefined);
  });
}
