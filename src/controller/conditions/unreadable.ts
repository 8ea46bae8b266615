// Tells Events of objects that cannot be read and whose kind has no conditions. The key is the kind and the object.

import { type KubeObject, resources, type SpiderReservedIP, unreadableNote } from '#api';
import { keyOf } from '#kube';
import { readReserved } from '#plan/ipam';
import type { AddressController } from '../kinds.ts';
import { shortened } from './judgement.ts';

const types = { reserved: resources.spiderReservedIPs, endpoints: resources.spiderEndpoints } as const;

type Kind = keyof typeof types;

export function unreadableController(): AddressController {
  return {
    name: 'unreadable-objects',
    concerns: (kind, object) =>
      kind in types && faultOf(kind as Kind, object) !== undefined ? [`${kind} ${keyOf(object)}`] : [],
    plan: (key, state) => {
      const [kind, place] = key.split(' ') as [Kind, string];
      const [name = '', namespace] = place.split('/').toReversed();
      const object: KubeObject | undefined = state[kind].get(name, namespace);
      const fault = object && faultOf(kind, object);
      if (object === undefined || fault === undefined) return [];
      const left = kind === 'endpoints' ? 'it is left out' : 'no pod gets a new address until this is solved';
      const note = {
        type: 'Warning' as const,
        reason: 'Unreadable',
        message: shortened(`${left}: ${fault}`),
      };
      return [{ verb: 'event', type: types[kind], object, note }];
    },
  };
}

function faultOf(kind: Kind, object: KubeObject): string | undefined {
  if (kind === 'endpoints') return unreadableNote(object);
  return readReserved([object as SpiderReservedIP]).unreadable[0]?.error;
}
