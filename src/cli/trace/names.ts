// Names on the command line. A kind may come first as with kubectl (`pod/web`) or with a colon, and a namespace is possible.

import type { Pod, Service } from '#api';

export type Kind = 'pod' | 'service' | 'node';

/** One meaning of a name on the command line. */
export interface Reading {
  /** Absent if any kind is meant. */
  readonly kind?: Kind;
  /** `name` or `namespace/name`. */
  readonly name: string;
}

const kinds: Readonly<Record<string, Kind>> = {
  ...{ pod: 'pod', pods: 'pod', po: 'pod' },
  ...{ service: 'service', services: 'service', svc: 'service' },
  ...{ node: 'node', nodes: 'node', no: 'node' },
};

/** All meanings that the name may have. In `pod/web`, `pod` is a kind or a namespace. */
export function readings(input: string): Reading[] {
  const [, word = '', separator, name = ''] = /^([a-z]+)([:/])(.+)$/.exec(input) ?? [];
  const kind = Object.hasOwn(kinds, word) ? kinds[word] : undefined;
  if (kind === undefined) return [{ name: input }];
  return separator === ':' ? [{ kind, name }] : [{ kind, name }, { name: input }];
}

/** The names that an object of this kind may have by these meanings. The kind is removed. */
export function namesOf(kind: Kind, input: string): string[] {
  return readings(input).flatMap((reading) =>
    reading.kind === undefined || reading.kind === kind ? [reading.name] : [],
  );
}

/**
 * Whether `name` is the object's name or `namespace/name`. A name alone must also be in `namespace`, if that is given.
 */
export function isNamed({ metadata }: Pod | Service, name: string, namespace?: string): boolean {
  if (name === `${metadata.namespace}/${metadata.name}`) return true;
  return name === metadata.name && (namespace === undefined || namespace === metadata.namespace);
}
