// Names of the command line: with the kind before it as kubectl takes it (`pod/web`) or with a colon, and with a namespace.

import type { Pod, Service } from '#api';

export type Kind = 'pod' | 'service' | 'node';

/** One way to read a name. */
export interface Reading {
  /** Of any kind where it is absent. */
  readonly kind?: Kind;
  /** `name` or `namespace/name`. */
  readonly name: string;
}

const kinds: Readonly<Record<string, Kind>> = {
  ...{ pod: 'pod', pods: 'pod', po: 'pod' },
  ...{ service: 'service', services: 'service', svc: 'service' },
  ...{ node: 'node', nodes: 'node', no: 'node' },
};

/** All ways to read it: the namespace of `pod/web` may also be called `pod`. */
export function readings(input: string): Reading[] {
  const [, word = '', separator, name = ''] = /^([a-z]+)([:/])(.+)$/.exec(input) ?? [];
  const kind = Object.hasOwn(kinds, word) ? kinds[word] : undefined;
  if (kind === undefined) return [{ name: input }];
  return separator === ':' ? [{ kind, name }] : [{ kind, name }, { name: input }];
}

/** The ways to read it as something of a kind, without the kind. */
export function namesOf(kind: Kind, input: string): string[] {
  return readings(input).flatMap((reading) =>
    reading.kind === undefined || reading.kind === kind ? [reading.name] : [],
  );
}

/** Whether `name`, or `namespace/name`, is the name of an object; a name alone is of `namespace`, or of any where that is absent. */
export function isNamed({ metadata }: Pod | Service, name: string, namespace?: string): boolean {
  if (name === `${metadata.namespace}/${metadata.name}`) return true;
  return name === metadata.name && (namespace === undefined || namespace === metadata.namespace);
}
