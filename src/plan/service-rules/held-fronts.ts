// The fronts that the kernel has already, read from nft's JSON (libnftables-json(5)): an earlier agent has left them.

import { z } from 'zod';
import { tryParseAddress } from '#ip';
import { frontendKey, type Protocol } from '../service/index.ts';
import {
  chainOfMember,
  type Entrance,
  entrances,
  type FrontObjects,
  frontNames,
  isMap,
  SERVICE_TABLE,
} from './front-rules.ts';

const place = z.tuple([z.string(), z.string(), z.int()]);
const element = z.union([
  z.object({ concat: place }).transform(({ concat }) => concat),
  z.tuple([z.object({ concat: place }), z.unknown()]).transform(([{ concat }]) => concat),
]);
const entered = z.object({ table: z.string(), name: z.string(), elem: z.array(z.unknown()).optional() });
const listing = z.object({
  nftables: z.array(
    z.union([
      z.object({ map: entered }),
      z.object({ set: entered }),
      z.object({ chain: z.object({ table: z.string(), name: z.string() }) }),
      z.object({}),
    ]),
  ),
});

/** What {@link heldFronts} needs: one listing of each. */
export const listings: readonly string[] = [
  'list chains inet',
  ...([4, 6] as const).flatMap((family) =>
    entrances.map(
      (entrance) => `list ${isMap(entrance) ? 'map' : 'set'} inet ${SERVICE_TABLE} ${entrance}${family}`,
    ),
  ),
];

/** By `frontendKey`. What is not understood is not ours, or of another version, and is left out. */
export function heldFronts(answers: readonly unknown[]): Map<string, FrontObjects> {
  const found = new Map<string, FrontObjects & { enters: Set<Entrance>; members: string[] }>();
  const byChain = new Map<string, { members: string[] }>();
  const names: string[] = [];
  for (const object of answers.flatMap((answer) => listing.parse(answer).nftables)) {
    if ('chain' in object && object.chain.table === SERVICE_TABLE) names.push(object.chain.name);
    const entry = 'map' in object ? object.map : 'set' in object ? object.set : undefined;
    if (entry === undefined || entry.table !== SERVICE_TABLE) continue;
    const entrance = entrances.find((each) => entry.name === `${each}4` || entry.name === `${each}6`);
    if (entrance === undefined) continue;
    for (const one of entry.elem ?? []) {
      const read = element.safeParse(one);
      if (!read.success) continue;
      const [text, protocol, port] = read.data;
      const address = tryParseAddress(text);
      if (address === undefined) continue;
      const frontend = { address, port, protocol: protocol.toUpperCase() as Protocol };
      const key = frontendKey(frontend);
      let front = found.get(key);
      if (front === undefined) {
        front = { ...frontNames(frontend), enters: new Set(), members: [] };
        found.set(key, front);
        byChain.set(front.chain, front);
      }
      front.enters.add(entrance);
    }
  }
  for (const name of names) byChain.get(chainOfMember(name) ?? '')?.members.push(name);
  return found;
}
