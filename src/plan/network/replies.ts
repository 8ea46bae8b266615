// Answers to what came in by the way to the node: they are marked, and leave by that way.

import { type Address, defaultDestination } from '#ip';
import type { Route, Rule } from '#net';
import { defaultRoutes } from './default-route.ts';
import type { DesiredTable } from './desired.ts';
import { type Frame, sourceOf } from './frame.ts';
import { nodeRoutes } from './hijack.ts';
import { gatewayRoute, replyRule } from './made.ts';
import { copy } from './nic-tables.ts';
import { replyTable } from './reply-marks.ts';
import type { Way } from './way.ts';

/** The link that answers are marked for: our veth pair, else the overlay's NIC, by which the node sends what is for later NICs. */
export function replyWay(frame: Frame): Way {
  return frame.ownWay ?? frame.first.way;
}

export function replyRules(frame: Frame): Rule[] {
  return frame.gateways.map(({ family }) => replyRule(family, frame.numbers));
}

/** Marked replies go back through the node. */
export function replyRoutes(frame: Frame): Route[] {
  const way = replyWay(frame);
  // The kernel looks for the gateway in the route's table and then in main, which may lead to it by the overlay's NIC.
  const links = way === frame.first.way ? [] : nodeRoutes(frame, way, frame.numbers.replyTable);
  return [...links, ...frame.gateways.flatMap((gateway) => everywhere(frame, way, gateway))];
}

/** An overlay's NIC has a default route of its own, as golden table G4 has it; it may lack one, or the family. */
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
