// One namespace on the path of a packet, and what happens to the packet there, in the words of iproute2 and conntrack.

import { type Address, formatAddress } from '#ip';
import { LOCAL_TABLE, type NextHop, type Rule } from '#net';
import { routeText, ruleText } from '../network/index.ts';
import type { Decision } from './lookup.ts';
import type { Packet, Place } from './world.ts';

export interface Step {
  readonly kind:
    | 'source'
    | 'route'
    /** The kernel's hash chooses one of several next hops. Another packet may take another. */
    | 'chance'
    | 'connection'
    | 'mark'
    | 'destination NAT'
    | 'source NAT'
    | 'neighbour'
    | 'delivered'
    | 'dropped';
  readonly text: string;
}

export interface Hop {
  readonly place: Place;
  /** Absent where the packet starts. */
  readonly inputDev?: string;
  /** Absent where the packet ends. */
  readonly outputDev?: string;
  readonly steps: readonly Step[];
}

/** The rules that were tried without result, and the rule that decided, with its route. */
export function routeSteps(decision: Decision, hop?: NextHop): Step[] {
  const passed = [
    ...decision.unjudged.map(unjudgedText),
    ...decision.passed.filter(({ table }) => table !== LOCAL_TABLE).map(passedText),
  ];
  if (decision.outcome === 'no route') return steps([...passed, 'no rule leads to a route']);
  const { rule, route } = decision;
  const chosen = decision.outcome === 'found' && hop !== undefined ? chanceSteps(decision, hop) : [];
  // A local destination needs no text about the rule that every namespace has.
  if (rule.table === LOCAL_TABLE) return [];
  return [...steps([...passed, ruleText(rule), `  ${routeText(route)}`]), ...chosen];
}

function chanceSteps({ hops, rivals }: Extract<Decision, { outcome: 'found' }>, hop: NextHop): Step[] {
  if (hops.length > 1) return [step('chance', `  by its hash, one of ${hops.length}: ${hopText(hop)}`)];
  if (rivals.length === 0) return [];
  const count = 1 + rivals.length;
  return [
    step('chance', `  one of ${count} default routes, depending on which gateway answers: ${hopText(hop)}`),
  ];
}

function passedText(rule: Rule): string {
  return `${ruleText(rule)}: no route`;
}

/** The text shows that we guessed. A reader may know more than we do. */
function unjudgedText(rule: Rule): string {
  return `${ruleText(rule)}: assumed not to match, because trace does not read its ${(rule.unread ?? []).join(' and ')}`;
}

function hopText({ gateway, dev }: NextHop): string {
  return `${gateway === undefined ? '' : `via ${formatAddress(gateway)} `}dev ${dev}`;
}

function steps(texts: readonly string[]): Step[] {
  return texts.map((text) => ({ kind: 'route', text }));
}

export function step(kind: Step['kind'], text: string): Step {
  return { kind, text };
}

/** `10.96.0.5:80`, `[fd00::5]:80`. */
export function endpointText(address: Address, port: number): string {
  const text = formatAddress(address);
  if (port === 0) return text;
  return address.family === 6 ? `[${text}]:${port}` : `${text}:${port}`;
}

/** Without the client's port, which can be any. */
export function destinationText({ kind, destination, destinationPort }: Packet): string {
  return kind === 'answer' ? formatAddress(destination) : endpointText(destination, destinationPort);
}
