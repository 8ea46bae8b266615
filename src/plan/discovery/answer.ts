// What one source says of the cluster's networks: networks, and what is wrong or missing.

import { errorText, isOrbError } from '#base';
import { type Cidr, formatCidr, networkOf, parseCidr } from '#ip';

/** Why an answer is missing or incomplete. */
export interface Fault {
  /**
   * `NotRead`: the source was not listed yet. `NotServed`: the server does not know the kind. `NotFound`: the source was
   * read, and does not have it.
   */
  readonly reason:
    | 'Malformed'
    | 'Forbidden'
    | 'Failed'
    | 'NotRead'
    | 'NotServed'
    | 'NotFound'
    | 'Unsupported';
  /** A sentence without a full stop. */
  readonly text: string;
}

/** An answer without faults is complete. Then an empty list says that the cluster has no such networks. */
export interface Answer {
  readonly networks: readonly Cidr[];
  readonly faults: readonly Fault[];
  /** Where the networks come from, for people. */
  readonly from: string;
}

export function fault(reason: Fault['reason'], text: string): Answer {
  return { networks: [], faults: [{ reason, text }], from: '' };
}

/** A complete answer without networks. */
export function noNetworks(from: string): Answer {
  return { networks: [], faults: [], from };
}

/**
 * Reads networks. Each text is a list with commas or blanks. Host bits are cleared. A part that is no network becomes a
 * fault, and the other parts are still read.
 */
export function readNetworks(texts: Iterable<string>, from: string): Answer {
  const networks: Cidr[] = [];
  const faults: Fault[] = [];
  for (const part of [...texts].flatMap((text) => text.split(/[\s,]+/))) {
    if (part === '') continue;
    const cidr = tryNetwork(part);
    if (typeof cidr === 'string') faults.push({ reason: 'Malformed', text: `${from}: ${cidr}` });
    else networks.push(cidr);
  }
  return { networks: distinct(networks), faults, from };
}

function tryNetwork(text: string): Cidr | string {
  try {
    const network = networkOf(parseCidr(text));
    // Pods would lose their default route to it.
    return network.prefixLength === 0
      ? `'${text}' is every address, not a network of pods or Services`
      : network;
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return errorText(error);
    throw error;
  }
}

/** All networks of the answers in their order, each once, and all their faults. */
export function union(answers: readonly Answer[]): Answer {
  const from = answers.map((answer) => answer.from).filter((text) => text !== '');
  return {
    networks: distinct(answers.flatMap(({ networks }) => networks)),
    faults: answers.flatMap(({ faults }) => faults),
    from: [...new Set(from)].join('; '),
  };
}

/**
 * Asks the sources in this order, and returns the first answer that has networks or is complete. A source that has
 * neither is passed over only if all its faults have a reason in `passable`. `NotRead` should not be one: then the answer
 * would change when the source is read.
 */
export function firstFound(
  sources: readonly (() => Answer)[],
  passable: readonly Fault['reason'][] = ['NotFound'],
): Answer {
  const passed: Fault[] = [];
  for (const source of sources) {
    const answer = source();
    if (answer.networks.length > 0 || answer.faults.length === 0) return answer;
    passed.push(...answer.faults);
    if (!answer.faults.every(({ reason }) => passable.includes(reason))) break;
  }
  return { networks: [], faults: passed, from: '' };
}

function distinct(networks: readonly Cidr[]): Cidr[] {
  return [...new Map(networks.map((network) => [formatCidr(network), network])).values()];
}
