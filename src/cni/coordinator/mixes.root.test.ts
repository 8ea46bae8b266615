import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { ask, CLIENT, NODE, withServer } from './routed-lan-fixture.ts';
import { CALICO, CALICO6, cali, Site } from './site-fixture.ts';

// Mixes that nobody would think of: overlays, families, LANs and requests by chance, the same in each run.

const rounds = 6;

/** What a pod is made of. */
interface Mix {
  readonly overlay: 'none' | 'IPv4' | 'both';
  readonly nics: readonly {
    readonly name: string;
    readonly families: readonly (4 | 6)[];
    readonly lan: 6 | 7;
  }[];
  readonly netConf: { readonly podDefaultRouteNic: string; readonly podRPFilter: number };
}

/** A linear congruential generator (Numerical Recipes): the high bits of its state. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * count);
  }

  oneOf<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }
}

function mix(chance: Chance): Mix {
  const overlay = chance.oneOf(['none', 'none', 'IPv4', 'both'] as const);
  const names = overlay === 'none' ? ['eth0', 'net1', 'net2'] : ['net1', 'net2'];
  return {
    overlay,
    nics: names.slice(0, names.length - chance.below(2)).map((name) => ({
      name,
      families: chance.oneOf<readonly (4 | 6)[]>([[4], [6], [4, 6]]),
      lan: chance.oneOf([6, 7] as const),
    })),
    netConf: {
      podDefaultRouteNic: chance.oneOf(['', 'eth0', 'net1', 'net2']),
      podRPFilter: chance.oneOf([0, 1, 2]),
    },
  };
}

before(primeThreads);

const chance = new Chance(2030);
for (let round = 1; round <= rounds; round++) {
  const { overlay, nics, netConf } = mix(chance);
  const names = nics.map(
    ({ name, families, lan }) => `${name} IPv${families.join(' and IPv')} on LAN ${lan}`,
  );
  const wanted = netConf.podDefaultRouteNic || 'no NIC';
  test(`mix ${round}: overlay ${overlay}, ${names.join(', ')}, default route requested on ${wanted}`, async () => {
    using site = await new Site().start();
    const { lan } = site;
    if (overlay !== 'none') lan.addCalico(cali, CALICO, overlay === 'both' ? CALICO6 : undefined);
    const addresses: string[] = [];
    for (const [i, nic] of nics.entries()) {
      const own = { 4: `10.${nic.lan}.9.${i + 1}`, 6: `fd00:10:${nic.lan}::9:${i + 1}` } as const;
      await site.addNic(nic.name, nic.lan, nic.families, own, netConf);
      addresses.push(...nic.families.map((family) => own[family]));
    }
    const before = site.everything();
    await site.start();
    for (const { name } of nics) {
      await site.plugin.check(site.call(name));
      await site.add(name, netConf);
      assert.deepEqual(site.everything(), before, `ADD of ${name} again`);
    }
    const familyOf = (address: string) => (address.includes(':') ? 6 : 4);
    await withServer(lan.pod, () => {
      for (const address of addresses) {
        assert.equal(ask(lan.client, address), `${CLIENT[familyOf(address)]} hello`, address);
        assert.equal(ask(lan.node, address), `${NODE[familyOf(address)]} hello`, address);
      }
    });
    await withServer(lan.node, () => {
      for (const from of addresses)
        assert.equal(ask(lan.pod, NODE[familyOf(from)], { from }), `${from} hello`, 'bound to it');
    });
    const [first, ...others] = nics;
    for (const { name } of others.toReversed()) {
      await site.unplug(name);
      await site.plugin.check(site.call(first?.name ?? ''));
    }
  });
}
