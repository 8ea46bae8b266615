// The order of writes: after each single one, a reader finds every Service whole.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { changeTables, membersOf, servingOf, type TableChanges, type WrittenTable } from './changes.ts';
import {
  type Backends,
  type Frontend,
  frontendKey,
  type Place,
  placeText,
  type ServiceTable,
} from './tables.ts';

const place = (number: number, port: number): Place => ({
  address: { family: 4, value: BigInt(number) },
  port,
});
const udp = (number: number): Frontend => ({ ...place(number, 53), protocol: 'UDP' });

const places = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 5 });
const backends = fc
  .record({ ready: places, draining: places, affinitySeconds: fc.constantFrom(0, 60) })
  .map(({ ready, draining, affinitySeconds }) => {
    const onlyDraining = draining.filter((each) => !ready.includes(each));
    const at = (number: number) => place(number, 8080);
    return { ready: ready.map(at), draining: onlyDraining.map(at), affinitySeconds };
  });
const tables = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 5 }), backends), {
    selector: ([number]) => number,
    maxLength: 5,
  })
  .map((entries) => tableOf(entries));

function tableOf(entries: readonly (readonly [number, Backends])[]): ServiceTable {
  return new Map(
    entries.map(([number, of]) => [frontendKey(udp(number)), { frontend: udp(number), backends: of }]),
  );
}

/** The maps of the kernel, and what a socket call reads there. */
class Maps {
  readonly services = new Map<string, { set: number; count: number; affinitySeconds: number }>();
  readonly members = new Map<string, string>();
  readonly serving = new Map<string, boolean>();

  /** Makes the writes one at a time. */
  write(changes: TableChanges, look: () => void): void {
    const step = (write: () => void) => {
      write();
      look();
    };
    for (const { set, index, backend } of changes.putMembers)
      step(() => this.members.set(`${set} ${index}`, placeText(backend)));
    for (const { set, backend, takesNew } of changes.putServing)
      step(() => this.serving.set(`${set} ${placeText(backend)}`, takesNew));
    for (const { frontend, set, backends: of } of changes.putServices) {
      const value = { set, count: of.ready.length, affinitySeconds: of.affinitySeconds };
      step(() => this.services.set(frontendKey(frontend), value));
    }
    for (const frontend of changes.removeServices) step(() => this.services.delete(frontendKey(frontend)));
    for (const { set, backend } of changes.removeServing)
      step(() => this.serving.delete(`${set} ${placeText(backend)}`));
    for (const { set, index } of changes.removeMembers) step(() => this.members.delete(`${set} ${index}`));
  }

  /** All that a socket call can get from a Service, as text. */
  read(key: string): string | undefined {
    const service = this.services.get(key);
    if (service === undefined) return undefined;
    const { set, count, affinitySeconds } = service;
    const ready = Array.from(
      { length: count },
      (_, index) => this.members.get(`${set} ${index}`) ?? 'missing',
    );
    const kept = [...this.serving].filter(([member]) => member.startsWith(`${set} `));
    const texts = kept.map(([member, takesNew]) => `${member.split(' ')[1]}=${takesNew}`);
    return `${ready.toSorted().join()} ${texts.toSorted().join()} ${affinitySeconds}`;
  }
}

function textOf(table: ServiceTable, key: string): string | undefined {
  const entry = table.get(key);
  if (entry === undefined) return undefined;
  const { ready, draining, affinitySeconds } = entry.backends;
  const kept = [
    ...ready.map((at) => `${placeText(at)}=true`),
    ...draining.map((at) => `${placeText(at)}=false`),
  ];
  return `${ready.map(placeText).toSorted().join()} ${kept.toSorted().join()} ${affinitySeconds}`;
}

describe('changes of the tables of Services', () => {
  test('after each write, every Service has all of its old backends or all of its new ones', () => {
    fc.assert(
      fc.property(fc.array(tables, { minLength: 1, maxLength: 5 }), (wishes) => {
        const maps = new Maps();
        let have: WrittenTable = new Map();
        let lastSet = 0;
        for (const want of wishes) {
          const changes = changeTables(have, want, lastSet);
          const keys = new Set([...have.keys(), ...want.keys()]);
          maps.write(changes, () => {
            for (const key of keys) {
              const allowed = [textOf(have, key), textOf(want, key)];
              assert.ok(
                allowed.includes(maps.read(key)),
                `${key}: ${maps.read(key)}, not ${allowed.join(' or ')}`,
              );
            }
          });
          for (const key of keys) assert.equal(maps.read(key), textOf(want, key));
          have = changes.written;
          ({ lastSet } = changes);
        }
        // Nothing is left of what was wanted before.
        const all = [...have.values()];
        assert.equal(maps.members.size, all.flatMap(membersOf).length);
        assert.equal(maps.serving.size, all.flatMap(servingOf).length);
      }),
    );
  });

  test('a Service that stays as it is causes no write, in whatever order its backends are listed', () => {
    const of = (numbers: readonly number[]) =>
      tableOf([[1, { ready: numbers.map((each) => place(each, 80)), draining: [], affinitySeconds: 0 }]]);
    const { written, lastSet } = changeTables(new Map(), of([1, 2, 3]), 0);
    const { putMembers, putServices, removeMembers, removeServices } = changeTables(
      written,
      of([3, 1, 2]),
      lastSet,
    );
    assert.deepEqual([putMembers, putServices, removeMembers, removeServices], [[], [], [], []]);
  });

  test('no number of a set is given twice', () => {
    const of = (number: number) =>
      tableOf([[1, { ready: [place(number, 80)], draining: [], affinitySeconds: 0 }]]);
    const one = changeTables(new Map(), of(1), 7);
    const two = changeTables(one.written, of(2), one.lastSet);
    assert.deepEqual(
      [one, two].map(({ putServices }) => putServices.map(({ set }) => set)),
      [[8], [9]],
    );
  });

  test('only UDP and Services with affinity have backends that sockets keep', () => {
    const tcp = { ...place(1, 80), protocol: 'TCP' } as const;
    const of = (affinitySeconds: number) => ({ ready: [place(2, 80)], draining: [], affinitySeconds });
    const kept = (affinitySeconds: number, frontend: Frontend) =>
      servingOf({ frontend, set: 1, backends: of(affinitySeconds) }).length;
    assert.deepEqual([kept(0, tcp), kept(60, tcp), kept(0, udp(1))], [0, 1, 1]);
  });
});
