// Replies to connections that came in by the link to the node. They are marked, and they leave by that link.

import { type Address, defaultDestination } from '#ip';
import type { Route, Rule } from '#net';
import { type DesiredTable, gatewayRoute, replyRule } from '../state/index.ts';
import { defaultRoutes } from './default-route.ts';
import { nodeRoutes } from './hijack.ts';
import { copy } from './nic-tables.ts';
import type { NodeLink } from './node-link.ts';
import { type PlanContext, sourceOf } from './plan-context.ts';
import { replyTable } from './reply-marks.ts';

/**
 * The link whose replies are marked. It is our veth pair, or else the overlay's NIC. The node also sends packets for
 * later NICs by it.
 */
export function replyLink(context: PlanContext): NodeLink {
  return context.ownLink ?? context.first.nodeLink;
}

export function replyRules(context: PlanContext): Rule[] {
  return context.gateways.map(({ family }) => replyRule(family, context.numbers));
}

/** Routes that send marked replies back through the node. */
export function replyRoutes(context: PlanContext): Route[] {
  const nodeLink = replyLink(context);
  // The kernel looks for the gateway in the route's own table and then in main. In main the gateway may lead to the
  // overlay's NIC.
  const links =
    nodeLink === context.first.nodeLink ? [] : nodeRoutes(context, nodeLink, context.numbers.replyTable);
  return [...links, ...context.gateways.flatMap((gateway) => everywhere(context, nodeLink, gateway))];
}

/**
 * An overlay's NIC has a default route of its own, as in golden table G4. It may have no default route, or no address
 * of the family.
 */
function everywhere(context: PlanContext, nodeLink: NodeLink, gateway: Address): Route[] {
  const { family } = gateway;
  const table = context.numbers.replyTable;
  const theirs = nodeLink.own ? [] : defaultRoutes(context.first, family);
  if (theirs.length > 0) return theirs.map((route) => copy(route, table));
  const source = sourceOf(context, nodeLink, family);
  return [gatewayRoute(defaultDestination(family), gateway, nodeLink.podLink, table, source)];
}

export function markTable(context: PlanContext): DesiredTable {
  const { own, podLink } = replyLink(context);
  return replyTable({ dev: podLink, exceptOwn: !own, mark: context.numbers.replyMark });
}
