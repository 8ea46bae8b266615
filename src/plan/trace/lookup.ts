// The kernel's choice of a route: rules by priority, in each table the longest prefix (net/core/fib_rules.c,
// net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c). src/cli/trace/kernel-agrees.root.test.ts compares it with `ip route get`.

import { type Address, cidrContains } from '#ip';
import type { NextHop, Route, Rule } from '#net';
import type { NamespaceView } from './view.ts';

/** The fields that decide the lookup of a route. */
export interface Flow {
  readonly destination: Address;
  /** Absent while no source is chosen. */
  readonly source?: Address;
  readonly mark: number;
  /** IANA's number of the protocol. Absent if no rule may match it. */
  readonly ipProtocol?: number;
  /** 0 or absent for protocols without ports, and while no port is chosen. */
  readonly sourcePort?: number;
  /** The link that the packet came in by. Absent for the namespace's own packets. */
  readonly inputDev?: string;
  /** Only routes of this link count. For sockets bound to it, and for link-local destinations. */
  readonly outputDev?: string;
}

export type Decision = Tried & Outcome;

interface Tried {
  /** Rules that matched, but whose tables had no route or a `throw` route. */
  readonly passed: readonly Rule[];
  /** Rules with selectors that we do not read. They are treated as not matching. */
  readonly unjudged: readonly Rule[];
}

type Outcome =
  | {
      readonly outcome: 'found';
      readonly rule: Rule;
      readonly route: Route;
      /** The next hops: one, or several from which the kernel chooses by a hash of the flow. */
      readonly hops: readonly NextHop[];
      /**
       * IPv4: next hops of equally good default routes in the table. The kernel takes one whose gateway answers
       * (fib_select_default).
       */
      readonly rivals: readonly NextHop[];
    }
  /** A route refuses the packet: `unreachable`, `blackhole`, `prohibit`. */
  | {
      readonly outcome: 'refused';
      readonly rule: Rule;
      readonly route: Route;
    }
  | { readonly outcome: 'no route' };

/** The kernel's input link of its own packets (LOOPBACK_IFINDEX). */
const OWN_PACKETS = 'lo';

export function lookUp(view: Pick<NamespaceView, 'rules' | 'routes'>, flow: Flow): Decision {
  const rules = view.rules.toSorted((a, b) => a.priority - b.priority);
  const passed: Rule[] = [];
  const unjudged: Rule[] = [];
  const tried = { passed, unjudged };
  for (const rule of rules) {
    if (rule.family !== flow.destination.family) continue;
    if (rule.unread !== undefined) unjudged.push(rule);
    else if (selectorsMatch(rule, flow) !== (rule.inverted === true)) {
      const route = inTable(view.routes, rule.table, flow);
      if (route === undefined || route.type === 'throw' || isSuppressed(rule, route)) passed.push(rule);
      else if (isRefusal(route)) return { outcome: 'refused', rule, route, ...tried };
      else {
        const found = { rule, route, hops: hopsOf(route, flow), rivals: rivalsOf(route, view.routes, flow) };
        return { outcome: 'found', ...found, ...tried };
      }
    }
  }
  return { outcome: 'no route', ...tried };
}

function selectorsMatch(rule: Rule, flow: Flow): boolean {
  const { mark, from, to, inputDev, ipProtocol, sourcePorts } = rule;
  const { sourcePort = 0 } = flow;
  return (
    (ipProtocol === undefined || ipProtocol === flow.ipProtocol) &&
    (sourcePorts === undefined || (sourcePorts.first <= sourcePort && sourcePort <= sourcePorts.last)) &&
    (inputDev === undefined || inputDev === (flow.inputDev ?? OWN_PACKETS)) &&
    (mark === undefined || ((mark.value ^ flow.mark) & mark.mask) === 0) &&
    (to === undefined || cidrContains(to, flow.destination)) &&
    (from === undefined || sourceMatches(from, flow))
  );
}

/** A refusing route ends the lookup before suppression applies (fib_rules_lookup). */
function isSuppressed({ suppressPrefixLength }: Rule, route: Route): boolean {
  if (suppressPrefixLength === undefined || isRefusal(route)) return false;
  return route.destination.prefixLength <= suppressPrefixLength;
}

/** For IPv4, a source that is not chosen is 0.0.0.0. For IPv6, no rule with a source then matches (fib6_rule_match). */
function sourceMatches(from: NonNullable<Rule['from']>, { source }: Flow): boolean {
  if (source !== undefined) return cidrContains(from, source);
  return from.address.family === 4 && cidrContains(from, { family: 4, value: 0n });
}

/**
 * The longest prefix wins, then the lowest metric, then the link that the packet came in by (IPv6), then the kernel's
 * order.
 */
function inTable(routes: readonly Route[], table: number, flow: Flow): Route | undefined {
  let best: Route | undefined;
  for (const route of routes) {
    if (route.table !== table || !cidrContains(route.destination, flow.destination)) continue;
    if (!isRefusal(route) && route.type !== 'throw' && hopsOf(route, flow).length === 0) continue;
    if (best === undefined || isBetter(route, best, flow)) best = route;
  }
  return best;
}

function isBetter(route: Route, than: Route, { inputDev }: Flow): boolean {
  const longer = route.destination.prefixLength - than.destination.prefixLength;
  const dearer = (route.metric ?? 0) - (than.metric ?? 0);
  if (longer !== 0 || dearer !== 0) return longer > 0 || (longer === 0 && dearer < 0);
  // rt6_score_route: for a forwarded packet, the kernel prefers its input link as the output link.
  const isIpv6 = route.destination.address.family === 6 && inputDev !== undefined;
  return isIpv6 && route.dev === inputDev && than.dev !== inputDev;
}

function hopsOf(route: Route, { outputDev }: Flow): NextHop[] {
  const { dev, gateway, onlink } = route;
  const one = {
    weight: 1,
    ...(dev !== undefined && { dev }),
    ...(gateway !== undefined && { gateway }),
    ...(onlink !== undefined && { onlink }),
  };
  const hops = route.nextHops ?? [one];
  return outputDev === undefined ? [...hops] : hops.filter((hop) => hop.dev === outputDev);
}

function rivalsOf(route: Route, routes: readonly Route[], flow: Flow): NextHop[] {
  const { family } = route.destination.address;
  if (family === 6 || route.destination.prefixLength > 0) return [];
  const rivals = routes.filter(
    (other) =>
      other.dev !== route.dev &&
      other.destination.address.family === 4 &&
      other.destination.prefixLength === 0 &&
      other.table === route.table &&
      other.gateway !== undefined &&
      (other.metric ?? 0) === (route.metric ?? 0),
  );
  return rivals.flatMap((other) => hopsOf(other, flow));
}

function isRefusal({ type }: Route): boolean {
  return type === 'unreachable' || type === 'blackhole' || type === 'prohibit';
}
