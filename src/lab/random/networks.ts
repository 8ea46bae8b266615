// The networks of random pods: three LANs behind one strict router, with what of each the pods' NICs need.

import { nodeNic, secondLan, secondNodeNic, thirdLan, thirdNodeNic, underlay } from '../addressing.ts';

export const lans = ['lan', 'lan2', 'lan3'] as const;
export type Lan = (typeof lans)[number];

/** Where an address is, seen from a pod; the last two are behind the router. */
export type Network = Lan | 'outside' | 'branch';

export const lanPlans = {
  lan: { ...underlay, master: nodeNic },
  lan2: { ...secondLan, master: secondNodeNic },
  lan3: { ...thirdLan, master: thirdNodeNic },
} as const;
