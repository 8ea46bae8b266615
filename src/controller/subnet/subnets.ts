// SpiderSubnets from their creation to their end: bookings, counts, conditions and our finalizer. The key is the name.

import { resources, SPIDERPOOL_FINALIZER, type SpiderIPPool, type SpiderSubnet } from '#api';
import { isOrbError } from '#base';
import type { Carver, NewestPools } from '#carving';
import { keyOf } from '#kube';
import { planSubnet, SubnetLedger } from '#plan/subnet';
import { type Action, statusActions } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import { holdersOf } from './holders.ts';
import { waitingCondition, withoutOurFinalizer } from './lifetime.ts';

const type = resources.spiderSubnets;

export function subnetController(carver: Carver, pools: NewestPools): AddressController {
  return {
    name: 'spidersubnet',
    concerns: (kind, object, state) => {
      if (kind === 'subnets') return [keyOf(object)];
      return kind === 'pools' ? ofPool(object as SpiderIPPool, state) : [];
    },
    plan: async (name, state, now, signal) => {
      const subnet = state.subnets.get(name);
      if (subnet === undefined) return [];
      if (subnet.metadata.deletionTimestamp !== undefined) return ending(subnet, state, now);
      const { finalizers = [], resourceVersion } = subnet.metadata;
      if (!finalizers.includes(SPIDERPOOL_FINALIZER)) {
        const metadata = { resourceVersion, finalizers: [...finalizers, SPIDERPOOL_FINALIZER] };
        return [{ verb: 'patch', type, object: subnet, body: { metadata } }];
      }
      const ledger = tryRead(subnet);
      // Its condition says why.
      if (ledger === undefined) return [];
      // What the caches show may be old: the repair reads the server.
      if (planSubnet(ledger, pools.index).change() !== undefined) await carver.repair(name, signal);
      return [];
    },
  };
}

/** The subnets that have a booking of the pool, own it, or have its network. */
function ofPool({ metadata, spec }: SpiderIPPool, state: AddressState): string[] {
  const owners = (metadata.ownerReferences ?? []).map(({ uid }) => uid);
  const subnets = state.subnets.list().filter((subnet) => {
    if (owners.includes(subnet.metadata.uid ?? '')) return true;
    if (subnet.spec?.subnet === spec?.subnet) return true;
    return subnet.status?.controlledIPPools?.includes(`"${metadata.name}"`) === true;
  });
  return subnets.map(keyOf);
}

/**
 * The pools go first: a deleted pool gives out no address. A pool that others own too is theirs. The subnet goes when none
 * of its pools is left.
 */
function ending(subnet: SpiderSubnet, state: AddressState, now: string): Action[] {
  const { uid } = subnet.metadata;
  const own = state.pools
    .list()
    .filter(
      ({ metadata: { ownerReferences = [] } }) =>
        ownerReferences.length === 1 && ownerReferences[0]?.uid === uid,
    );
  if (own.length === 0) return withoutOurFinalizer(type, subnet);
  const living = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [
    ...living.map((object) => ({ verb: 'delete' as const, type: resources.spiderIPPools, object })),
    ...statusActions(type, subnet, { conditions: waitingCondition(subnet, holdersOf(own), now) }),
  ];
}

function tryRead(subnet: SpiderSubnet): SubnetLedger | undefined {
  try {
    return SubnetLedger.read(subnet);
  } catch (error) {
    if (isOrbError(error, 'SUBNET_INVALID')) return undefined;
    throw error;
  }
}
