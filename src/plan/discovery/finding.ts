// What one source says of the cluster's networks: networks, and what is wrong or missing.

import { errorText, isOrbError } from '#base';
import { type Cidr, formatCidr, networkOf, parseCidr } from '#ip';

/** Why a source is not, or not wholly, an answer. */
export interface Fault {
  /**
   * `NotRead`: it was not listed yet. `NotServed`: the server does not know the kind. `NotFound`: it was looked for and
   * is not there.
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

/** An answer is complete when it has no faults. Then even no networks at all are an answer. */
export interface Finding {
  readonly networks: readonly Cidr[];
  readonly faults: readonly Fault[];
  /** Where the networks come from, for people. */
  readonly from: string;
}

export function fault(reason: Fault['reason'], text: string): Finding {
  return { networks: [], faults: [{ reason, text }], from: '' };
}

/** A complete answer without networks. */
export function noNetworks(from: string): Finding {
  return { networks: [], faults: [], from };
}

/**
 * Reads networks. Each text is a list with commas or blanks. Host bits are cleared. A part that is no network is a
 * fault, and the others are networks all the same.
 */
export function readNetworks(texts: Iterable<string>, from: string): Finding {
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

/** The networks of all, each once, in this order. Any fault of any is one of the whole. */
export function union(findings: readonly Finding[]): Finding {
  const from = findings.map((finding) => finding.from).filter((text) => text !== '');
  return {
    networks: distinct(findings.flatMap(({ networks }) => networks)),
    faults: findings.flatMap(({ faults }) => faults),
    from: [...new Set(from)].join('; '),
  };
}

/**
 * The first source that has something, in this order. A later source is asked when an earlier one has nothing for a
 * reason in `passable`. It is not asked while an earlier one is still to be read, so that the answer does not change
 * for a moment.
 */
export function firstFound(
  sources: readonly (() => Finding)[],
  passable: readonly Fault['reason'][] = ['NotFound'],
): Finding {
  const passed: Fault[] = [];
  for (const source of sources) {
    const finding = source();
    if (finding.networks.length > 0 || finding.faults.length === 0) return finding;
    passed.push(...finding.faults);
    if (!finding.faults.every(({ reason }) => passable.includes(reason))) break;
  }
  return { networks: [], faults: passed, from: '' };
}

function distinct(networks: readonly Cidr[]): Cidr[] {
  return [...new Map(networks.map((network) => [formatCidr(network), network])).values()];
}
