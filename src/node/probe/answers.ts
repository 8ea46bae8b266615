// Who answers for addresses on a NIC, by ARP and neighbour discovery. It changes nobody's cache but with what is true: the
// NIC asks in the name of an address that it has.

import type { Clock } from '#base';
import { type Address, formatAddress, sameAddress } from '#ip';
import { openGivenNetns, openNamespaceOf } from '#kernel';
import type { Mac } from '#net';
import type { Emission } from '#plan/probe';
import { Wire } from './wire.ts';

export interface AnswersRequest {
  /** Path of the network namespace. */
  readonly netns: string;
  readonly nic: string;
  readonly addresses: readonly Address[];
}

/** Rounds of questions, since some are lost. A proxy of Linux answers up to 800 ms late (proxy_delay, arp(7)). */
const ROUNDS = 3;
const ROUND_MS = 400;

/**
 * The MAC addresses that answer, by the address as text. Or why nobody could be asked: the NIC is down, or has no Ethernet
 * address. Throws the kernel's refusal of a packet socket.
 */
export async function whoAnswers(
  { netns: path, nic, addresses }: AnswersRequest,
  clock: Clock,
): Promise<ReadonlyMap<string, readonly Mac[]> | string> {
  const netns = await openGivenNetns(path);
  const namespace = openNamespaceOf(netns);
  try {
    const link = namespace.link(nic);
    if (link?.mac === undefined) return `${nic} has no MAC address`;
    if (!link.carrier) return `${nic} has no carrier`;
    const { mac } = link;
    const own = namespace.addresses({ dev: nic }).map(({ address }) => address.address);
    const questions = addresses.map((address) => question(address, own));
    const heard = new Map<string, Set<Mac>>();
    const wire = new Wire({ netns, dev: nic, mac }, addresses);
    try {
      wire.listen(
        ({ kind, address, mac: from }) => {
          if (kind !== 'uses' || !addresses.some((asked) => sameAddress(asked, address))) return;
          const text = formatAddress(address);
          heard.set(text, (heard.get(text) ?? new Set()).add(from));
        },
        () => {}, // the link went down for a moment: the next round asks again
      );
      for (let round = 0; round < ROUNDS; round++) {
        for (const asked of questions) wire.send(asked);
        await clock.sleep(ROUND_MS);
      }
      wire.drain();
    } finally {
      wire.close();
    }
    return new Map(Array.from(heard, ([text, macs]) => [text, [...macs]]));
  } finally {
    namespace.close();
  }
}

/** An own address is only probed for: a question in its name would announce it. */
function question(address: Address, own: readonly Address[]): Emission {
  if (own.some((one) => sameAddress(one, address))) return { kind: 'probe', address };
  const source = own.find(({ family }) => family === address.family);
  return { kind: 'ask', address, ...(source !== undefined && { source }) };
}
