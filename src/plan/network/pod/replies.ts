// Replies to connections that came in by the way to the node. They are marked, and they leave by that way.

import { type Address, defaultDestination } from '#ip';
import type { Route, Rule } from '#net';
import { type DesiredTable, gatewayRoute, replyRule } from '../state/index.ts';
import { defaultRoutes } from './default-route.ts';
import { type Frame, sourceOf } from './frame.ts';
import { nodeRoutes } from './hijack.ts';
import { copy } from './nic-tables.ts';
import { replyTable } from './reply-marks.ts';
import type { Way } from './way.ts';

/**
 * The link whose replies are marked. It is our veth pair, or else the overlay's NIC. The node also sends packets for
 * later NICs by it.
 */
export function replyWay(frame: Frame): Way {
  return frame.ownWay ?? frame.first.way;
}

export function replyRules(frame: Frame): Rule[] {
  return frame.gateways.map(({ family }) => replyRule(family, frame.numbers));
}

/** Routes that send marked replies back through the node. */
export function replyRoutes(frame: Frame): Route[] {
  const way = replyWay(frame);
  // The kernel looks for the gateway in the route's own table and then in main. In main the gateway may lead to the
  // overlay's NIC.
  const links = way === frame.first.way ? [] : nodeRoutes(frame, way, frame.numbers.replyTable);
  return [...links, ...frame.gateways.flatMap((gateway) => everywhere(frame, way, gateway))];
}

/**
 * An overlay's NIC has a default route of its own, as in golden table G4. It may have no default route, or no address
 * of the family.
 */
function everywhere(frame: Frame, way: Way, gateway: Address): Route[] {
  const { family } = gateway;
  const table = frame.numbers.replyTable;
  const theirs = way.own ? [] : defaultRoutes(frame.first, family);
  if (theirs.length > 0) return theirs.map((route) => copy(route, table));
  const source = sourceOf(frame, way, family);
  return [gatewayRoute(defaultDestination(family), gateway, way.podLink, table, source)];
}

export function markTable(frame: Frame): DesiredTable {
  const { own, podLink } = replyWay(frame);
  return replyTable({ dev: podLink, exceptOwn: !own, mark: frame.numbers.replyMark });
}
