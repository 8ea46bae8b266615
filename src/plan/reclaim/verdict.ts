// What happens to one recorded address: it is kept, freed, or judged again later. The rows are those of Spiderpool's
// scan of all pools. A row that could free an address in use differs, and says why.

import type { Pod } from '#api';
import { sameAddress, tryParseAddress } from '#ip';
import { type Claim, claimOf } from './claim.ts';
import type { ReclaimFacts } from './facts.ts';
import { deletionDueMs, finishDueMs, hasAddress, hasFinished } from './pod-end.ts';
import type { ReclaimSettings } from './settings.ts';

/** `why` is one sentence for people, without a full stop. */
export type ReclaimVerdict =
  | { readonly action: 'keep'; readonly why: string }
  /** `endpoint`: the SpiderEndpoint of this name belongs to no living pod, and is deleted too. */
  | { readonly action: 'free'; readonly endpoint: boolean; readonly why: string }
  /** The address is judged again at `untilMs` (milliseconds since 1970), which is in the future. */
  | { readonly action: 'wait'; readonly untilMs: number; readonly why: string };

interface Case extends ReclaimFacts {
  readonly settings: ReclaimSettings;
  readonly claim: Claim;
}

/** Frees no address of a living pod, and in the end every address that nobody holds. */
export function reclaimVerdict(facts: ReclaimFacts, settings: ReclaimSettings): ReclaimVerdict {
  if (!settings.enabled) return keep('reclaiming is switched off');
  const unread = unreadFact(facts);
  if (unread !== undefined) return keep(unread);
  const all: Case = { ...facts, settings, claim: claimOf(facts.record, facts.owner, settings) };
  const { holder, namesake } = facts;
  if (holder.state === 'present') return ofPod(holder.object, all);
  if (holder.state === 'unreadable') return keep(`pod ${facts.record.pod} cannot be read: ${holder.said}`);
  const dueMs = holder.sinceMs + settings.additionalGraceMs;
  const left: Case = { ...all, claim: claimOnEndingPool(all) ?? all.claim };
  return namesake === undefined ? ofNobody(dueMs, left) : besideNamesake(namesake, dueMs, left);
}

/**
 * A pool that is being deleted waits for its records. The next pod of a StatefulSet gets no address of it, so a record that
 * stayed for this pod would hold both up for ever.
 */
function claimOnEndingPool({ record, owner, claim }: Case): Claim | undefined {
  if (record.poolEnds !== true || owner.kind !== 'StatefulSet' || claim.state !== 'kept') return undefined;
  return {
    state: 'lost',
    why: `IPPool ${record.pool}, which is being deleted, gives no address to the next pod of StatefulSet ${owner.name}`,
  };
}

/** Without a fact there is no verdict. The next look decides. */
function unreadFact({ endpoint, owner, companion, node, record }: ReclaimFacts): string | undefined {
  const text = (what: string, said: string) => `${what} cannot be read: ${said}`;
  if (endpoint.state === 'unreadable') return text(`SpiderEndpoint ${record.pod}`, endpoint.said);
  if (owner.kind === 'unreadable') return text(`the controller of pod ${record.pod}`, owner.said);
  if (companion.state === 'unreadable') return text(`the other pods of ${record.pod}`, companion.said);
  if (node?.state === 'unreadable') return text(`node ${node.name}`, node.said);
  return undefined;
}

/** No pod has the record's UID or name. */
function ofNobody(dueMs: number, facts: Case): ReclaimVerdict {
  const { record, claim, endpoint } = facts;
  const gone = `pod ${record.pod} is gone`;
  if (claim.state === 'kept') return keep(`${gone}, but ${claim.why}`);
  const detail =
    claim.state === 'lost' ? claim.why : endpoint.state === 'absent' ? 'it has no SpiderEndpoint' : claim.why;
  return release(facts, dueMs, `${gone}, and ${detail}`);
}

/** Another pod has the record's name now. */
function besideNamesake(namesake: Pod, dueMs: number, facts: Case): ReclaimVerdict {
  const { record, claim, owner } = facts;
  const replaced = `pod ${record.pod} has another UID than the record`;
  if (claim.state === 'kept') {
    // The pods of a migrating virtual machine hold one address together.
    if (owner.kind === 'VirtualMachineInstance') return keep(`${replaced}, but ${claim.why}`);
    if (!hasAddress(namesake))
      return keep(`${replaced} and takes the address over when it starts: ${claim.why}`);
  }
  if (!hasFinished(namesake) && isShown(namesake, facts))
    return keep(`${replaced}, but it shows that it uses the address`);
  const detail = claim.state === 'kept' ? 'it runs with another address' : claim.why;
  return release(facts, dueMs, `${replaced}, and ${detail}`);
}

/** Whether the pod's status or its own endpoint shows the address. The record's UID is then wrong, not the pod. */
function isShown(pod: Pod, { record, endpoint }: ReclaimFacts): boolean {
  const current = endpoint.state === 'present' ? endpoint.object.status?.current : undefined;
  const details = current?.uid === pod.metadata.uid ? (current?.ips ?? []) : [];
  const texts = details.flatMap(({ ipv4 = '', ipv6 = '' }) =>
    [ipv4, ipv6].map((text) => text.split('/')[0] ?? ''),
  );
  const address = tryParseAddress(record.address);
  return [...texts, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)].some((text) => {
    const shown = tryParseAddress(text);
    return address !== undefined && shown !== undefined && sameAddress(address, shown);
  });
}

/** The pod of the record exists. */
function ofPod(pod: Pod, facts: Case): ReclaimVerdict {
  const { claim, record, settings } = facts;
  const deletedMs = deletionDueMs(pod);
  if (hasFinished(pod)) {
    if (claim.state === 'kept') return keep(`pod ${record.pod} has finished, but ${claim.why}`);
    if (claim.state === 'lost') {
      return release(facts, finishDueMs(pod), `pod ${record.pod} has finished, and ${claim.why}`);
    }
    return deletedMs === undefined ? finished(pod, facts) : terminating(pod, deletedMs, facts);
  }
  // An ADD may be at work.
  if (pod.status?.phase === 'Pending') return keep(`pod ${record.pod} is starting`);
  if (deletedMs !== undefined) return terminating(pod, deletedMs, facts);
  if (hasAddress(pod)) return keep(`pod ${record.pod} runs`);
  if (claim.state === 'lost') return ofSandbox(facts, `pod ${record.pod} has no address, and ${claim.why}`);
  if (claim.state === 'kept') return keep(`pod ${record.pod} has no address, but ${claim.why}`);
  if (pod.status?.phase === 'Unknown') {
    return ofSandbox(facts, `the phase of pod ${record.pod} is Unknown, and it has no address`);
  }
  if (settings.runningPodsWithoutAddress)
    return ofSandbox(facts, `pod ${record.pod} runs without an address`);
  return keep(
    `pod ${record.pod} runs, and the reclaiming of running pods without an address is switched off`,
  );
}

/** An existing pod without an address loses it only when the node says that nothing runs. */
function ofSandbox(facts: Case, why: string): ReclaimVerdict {
  if (facts.sandbox === 'unknown')
    return keep(`${why}, but ${nodeText(facts)} does not say whether its sandbox is gone`);
  return release(facts, facts.nowMs, why);
}

function finished(pod: Pod, facts: Case): ReclaimVerdict {
  const closed = closedGate(facts);
  if (closed !== undefined) return keep(`pod ${facts.record.pod} has finished, but ${closed}`);
  const dueMs = finishDueMs(pod) + facts.settings.additionalGraceMs;
  return release(facts, dueMs, `pod ${facts.record.pod} has finished`);
}

function terminating(pod: Pod, deletedMs: number, facts: Case): ReclaimVerdict {
  const { claim, record, nowMs, sandbox, settings } = facts;
  const why = `pod ${record.pod} is being deleted`;
  // Also a lost claim waits for the pod: the pod's own DEL comes first.
  if (claim.state !== 'none') return keep(`${why}, and its fixed address is judged when it is gone`);
  const dueMs = deletedMs + settings.additionalGraceMs;
  if (nowMs < dueMs && !hasAddress(pod) && sandbox === 'gone') {
    return release(facts, nowMs, `${why} and has no address any more`);
  }
  const closed = closedGate(facts);
  if (nowMs >= dueMs && closed !== undefined) return keep(`${why}, but ${closed}`);
  return release(facts, dueMs, why);
}

/** Why ended pods of this node keep their addresses. A node that is gone runs nothing. */
function closedGate({ node, settings }: Case): string | undefined {
  if (node?.state === 'ready' && !settings.endedPodsOnReadyNodes) {
    return `reclaiming from pods that end on ready nodes is switched off, and node ${node.name} is ready`;
  }
  if (node?.state === 'notReady' && !settings.endedPodsOnNotReadyNodes) {
    return `reclaiming from pods that end on nodes that are not ready is switched off, and node ${node.name} is not`;
  }
  return undefined;
}

/** Frees after `dueMs`, but never under a living sandbox or another pod of the machine. A silent node gets more time. */
function release(facts: Case, dueMs: number, why: string): ReclaimVerdict {
  const { companion, sandbox, nowMs, node, settings } = facts;
  if (companion.state === 'present') {
    return keep(
      `${why}, but pod ${nameOf(companion.object)} of the same virtual machine may use the address`,
    );
  }
  if (sandbox === 'alive') return keep(`${why}, but its sandbox still runs on ${nodeText(facts)}`);
  if (nowMs < dueMs)
    return { action: 'wait', untilMs: dueMs, why: `${why}, and its grace period has not ended` };
  const { silentNodePatienceMs, unknownNodePatienceMs } = settings;
  const patientMs = dueMs + (node === undefined ? unknownNodePatienceMs : silentNodePatienceMs);
  if (sandbox === 'unknown' && node?.state !== 'absent' && nowMs < patientMs) {
    const who = node === undefined ? 'no node says' : `${nodeText(facts)} does not say`;
    return { action: 'wait', untilMs: patientMs, why: `${why}, but ${who} whether its sandbox is gone` };
  }
  return { action: 'free', endpoint: endpointGoes(facts), why };
}

/** The endpoint of a living pod stays: another pod of this name may have written it. */
function endpointGoes({ endpoint, namesake }: Case): boolean {
  if (endpoint.state !== 'present') return false;
  const uid = endpoint.object.status?.current.uid;
  return namesake === undefined || uid !== namesake.metadata.uid;
}

function nameOf({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function nodeText({ node }: ReclaimFacts): string {
  return node === undefined ? 'a node' : `node ${node.name}`;
}

function keep(why: string): ReclaimVerdict {
  return { action: 'keep', why };
}
