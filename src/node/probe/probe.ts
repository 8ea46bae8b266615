// Probes the addresses of a NIC on the wire, for conflicts and gateways, both families at once. Frames and the clock
// drive it.

import { type Clock, errorText, isOrbError, type Logger } from '#base';
import type { Address } from '#ip';
import { openGivenNetns, openNamespaceOf } from '#kernel';
import type { Mac, NetworkNamespace } from '#net';
import { type Emission, type ProbeTarget, Probing, type Verdict } from '#plan/probe';
import { Wire } from './wire.ts';

export interface ProbeRequest {
  /** Path of the pod's network namespace. */
  readonly netns: string;
  readonly nic: string;
  readonly targets: readonly ProbeTarget[];
  readonly detectConflict: boolean;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A verdict, with the kernel's error if probes did not leave the NIC. Or there is no NIC to probe on. */
export type ProbeReport =
  | (Verdict & { readonly refusal?: Error })
  /** The previous plugin makes the NIC later, or the NIC has no Ethernet address. */
  | { readonly kind: 'absent' };

/** The time between the first and the second announcement. */
const ANNOUNCEMENT_GAP_MS = 50;

/**
 * Sets the NIC up and probes. If the verdict is `free`, announces the addresses now, and again in the background.
 * Rejects with the signal's reason if the signal aborts first.
 */
export async function probeNic(request: ProbeRequest, clock: Clock): Promise<ProbeReport> {
  const netns = await openGivenNetns(request.netns);
  const namespace = openNamespaceOf(netns);
  try {
    const mac = macOnceUp(namespace, request.nic);
    if (mac === undefined) return { kind: 'absent' };
    const addresses = request.targets.map(({ address }) => address);
    const wire = new Wire({ netns, dev: request.nic, mac }, addresses);
    const report = await probeOn(wire, { ...request, mac, namespace }, clock).catch((error: unknown) => {
      wire.close();
      throw error;
    });
    if (report.kind === 'free') announceTwice(wire, addresses, clock, request.log);
    else wire.close();
    return report;
  } finally {
    namespace.close();
  }
}

/** Addresses that are new on a NIC, or whose link address has changed. */
export interface Announcement extends Pick<ProbeRequest, 'netns' | 'nic' | 'log'> {
  readonly addresses: readonly Address[];
}

/** Announces addresses now, and again in the background. */
export async function announce(
  { netns: path, nic, addresses, log }: Announcement,
  clock: Clock,
): Promise<void> {
  const netns = await openGivenNetns(path);
  const namespace = openNamespaceOf(netns);
  try {
    const mac = macOnceUp(namespace, nic);
    if (mac !== undefined)
      announceTwice(new Wire({ netns, dev: nic, mac }, addresses), addresses, clock, log);
  } finally {
    namespace.close();
  }
}

/** The NIC's link address, after setting it up. A NIC that is down sends nothing. */
function macOnceUp(namespace: NetworkNamespace, nic: string): Mac | undefined {
  const link = namespace.link(nic);
  if (link === undefined || link.loopback || link.mac === undefined) return undefined;
  if (!link.up) namespace.change([{ verb: 'set', kind: 'link', link: { name: nic, up: true } }]);
  return link.mac;
}

interface Site extends ProbeRequest {
  readonly mac: Mac;
  readonly namespace: NetworkNamespace;
}

async function probeOn(wire: Wire, site: Site, clock: Clock): Promise<ProbeReport> {
  const { signal, log, nic } = site;
  const probing = new Probing(site, clock.monotonic());
  let wake = new AbortController();
  let refusal: Error | undefined;
  wire.listen(
    (sighting) => {
      probing.saw(sighting);
      if (probing.verdict !== undefined) wake.abort();
    },
    // The link went down, or a signal interrupted the call (EINTR). The next probe repeats what was missed.
    (error) => log.debug({ nic, error: errorText(error) }, 'a probe socket reports an error'),
  );
  for (;;) {
    signal.throwIfAborted();
    // A busy process wakes late. An answer may have come in time.
    wire.drain();
    const due = probing.due(clock.monotonic());
    const refused = due.length === 0 ? undefined : send(wire, due, site);
    if (refused !== undefined) {
      refusal = refused;
      probing.lost();
    }
    const { verdict } = probing;
    if (verdict !== undefined) return refusal === undefined ? verdict : { ...verdict, refusal };
    wake = new AbortController();
    await clock
      .sleep(Math.max(0, probing.wakeAtMs - clock.monotonic()), AbortSignal.any([wake.signal, signal]))
      .catch(() => {});
  }
}

/** Why a frame did not leave the NIC; undefined if all frames left. */
function send(wire: Wire, emissions: readonly Emission[], { namespace, nic }: Site): Error | undefined {
  // Without a carrier, the kernel accepts frames and drops them silently (noop_qdisc, net/sched/sch_generic.c).
  if (namespace.link(nic)?.carrier !== true) return new Error(`link ${nic} has no carrier`);
  try {
    for (const emission of emissions) wire.send(emission);
    return undefined;
  } catch (error) {
    if (isOrbError(error, 'KERNEL_REFUSED')) return error;
    throw error;
  }
}

/** RFC 5227 waits two seconds between announcements. That is too long for an ADD, and for keeping the sockets open. */
function announceTwice(wire: Wire, addresses: readonly Address[], clock: Clock, log: Logger): void {
  const once = () => {
    for (const address of addresses) wire.announce(address);
  };
  const twice = async () => {
    try {
      once();
      await clock.sleep(ANNOUNCEMENT_GAP_MS);
      once();
    } catch (error) {
      // The pod may be gone by now. A neighbour with another link address in its cache asks again when it gets no
      // answer.
      log.debug({ error: errorText(error) }, 'the second announcement of the addresses failed');
    } finally {
      wire.close();
    }
  };
  void twice();
}
