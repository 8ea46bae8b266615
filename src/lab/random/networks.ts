// The networks of random pods: three LANs behind one strict router, and what the pods' NICs need on each.

import { NODE_NIC, SECOND_NODE_NIC, secondLan, THIRD_NODE_NIC, thirdLan, underlay } from '../addressing.ts';

export const lans = ['lan', 'lan2', 'lan3'] as const;
export type Lan = (typeof lans)[number];

/** Where an address is, relative to a pod. The last two are behind the router. */
export type Network = Lan | 'outside' | 'branch';

export const lanPlans = {
  lan: { ...underlay, master: NODE_NIC },
  lan2: { ...secondLan, master: SECOND_NODE_NIC },
  lan3: { ...thirdLan, master: THIRD_NODE_NIC },
} as const;
