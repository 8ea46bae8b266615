// The routes that a cluster has added to routers. The key is the id of a router.

import { z } from 'zod';
import { ROUTES_NAME } from '#plan/installation';
import type { RouterRoute } from '#plan/openstack';
import type { LedgerPlace } from './cloud-ledger.ts';

/** The routes of a router. */
export type Routes = readonly RouterRoute[];

const schema = z.array(z.object({ destination: z.string(), nexthop: z.string() }));

export function routesLedger(where: Pick<LedgerPlace<Routes>, 'client' | 'namespace'>): LedgerPlace<Routes> {
  return { client: where.client, namespace: where.namespace, name: ROUTES_NAME, schema };
}
