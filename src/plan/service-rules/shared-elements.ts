// Elements of sets that follow from all fronts together: several fronts may want the same one.

import { formatAddress } from '#ip';
import { SERVICE_TABLE } from './front-rules.ts';
import type { PacketEntry } from './packet-entries.ts';

/** `self`: backends on this node, each as sender and receiver. `clusterips`: addresses whose other ports nobody serves. */
export const sharedSets = ['self4', 'self6', 'clusterips4', 'clusterips6'] as const;

export interface SharedElement {
  readonly set: (typeof sharedSets)[number];
  /** As nft writes it. */
  readonly text: string;
}

/** What a front wants to have in the sets. */
export function sharedElements({ claim, frontend, local }: PacketEntry): SharedElement[] {
  const { family } = frontend.address;
  const own = local.map(({ address }) => formatAddress(address));
  const self = own.map((text): SharedElement => ({ set: `self${family}`, text: `${text} . ${text}` }));
  if (claim !== 'ClusterIP') return self;
  return [...self, { set: `clusterips${family}`, text: formatAddress(frontend.address) }];
}

/** Brings the sets from some elements to others. `before` is undefined while it is not known what they have. */
export function sharedCommands(
  before: readonly SharedElement[] | undefined,
  now: readonly SharedElement[],
): string[] {
  const T = `inet ${SERVICE_TABLE}`;
  return sharedSets.flatMap((set) => {
    const textsOf = (elements: readonly SharedElement[] = []) =>
      new Set(elements.flatMap((element) => (element.set === set ? element.text : [])));
    const [had, has] = [textsOf(before), textsOf(now)];
    const come = [...has].filter((text) => !had.has(text));
    const gone = [...had].filter((text) => !has.has(text));
    const change = (verb: string, texts: readonly string[]) =>
      texts.length === 0 ? [] : [`${verb} element ${T} ${set} { ${texts.join(', ')} }`];
    return [
      ...(before === undefined ? [`flush set ${T} ${set}`] : []),
      ...change('add', come),
      // nft refuses to delete what is not there.
      ...change('add', gone),
      ...change('delete', gone),
    ];
  });
}
