// What is found out about a pool or a subnet, and the writes that say it: conditions, and an Event for each that changes.

import type { Condition, ResourceType, SpiderIPPool, SpiderSubnet } from '#api';
import { EXHAUSTED_CONDITION, OVERLAPPING_CONDITION, QUARANTINED_CONDITION } from '#plan/ipam';
import { type Action, statusActions, withCondition } from '#reconcile';

/** Reason and message of `Ready` while it is false. */
export interface NotReady {
  readonly reason: string;
  readonly message: string;
}

/** What is found out about one object. Undefined: all is well. */
export interface Judgement {
  /** `leave`: another controller says why the object, which is being deleted, is not ready. */
  readonly ready: NotReady | undefined | 'leave';
  readonly [EXHAUSTED_CONDITION]?: string | undefined;
  /** With the reason of the condition where it is not the usual one. */
  readonly [OVERLAPPING_CONDITION]?: string | NotReady | undefined;
  readonly [QUARANTINED_CONDITION]?: string | undefined;
}

type Wanted = Omit<Condition, 'lastTransitionTime'>;

/** What a fault says while it is found, and when it is over. The message of a found one is its note. */
const faults = {
  [OVERLAPPING_CONDITION]: ['AddressesOfAnotherPool', 'Solved', 'nothing else has these addresses'],
  [EXHAUSTED_CONDITION]: ['AllAddressesHeld', 'AddressesFree', 'there are free addresses'],
  [QUARANTINED_CONDITION]: ['AddressesOfOtherMachines', 'NoneInQuarantine', 'no address is in quarantine'],
} as const;

/** A message of a condition may have 32,768 characters, and that of an Event 1,024 (Kubernetes API). */
const MOST_CHARACTERS = 1_000;

/** Short enough for both. */
export function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

type Fault = keyof typeof faults;
const faultTypes = Object.keys(faults) as Fault[];

/** The conditions that differ from what is stored. A fault that was never found has no condition. */
export function changedConditions(object: SpiderIPPool | SpiderSubnet, judgement: Judgement): Wanted[] {
  const observed = object.metadata.generation;
  const stored = (type: string) => object.status?.conditions?.find((condition) => condition.type === type);
  const wanted = faultTypes.flatMap((type): Wanted[] => {
    const fault = judgement[type];
    const { reason, message } = typeof fault === 'object' ? fault : { reason: undefined, message: fault };
    const note = message === undefined ? undefined : shortened(message);
    const before = stored(type);
    const told = before?.status === 'True' ? (before.message ?? '') : undefined;
    if (told === note) return [];
    const [found, over, overMessage] = faults[type];
    return note === undefined
      ? [{ type, status: 'False', reason: over, message: overMessage }]
      : [{ type, status: 'True', reason: reason ?? found, message: note }];
  });
  const { ready } = judgement;
  if (ready !== 'leave') {
    const one: Wanted =
      ready === undefined
        ? { type: 'Ready', status: 'True', reason: 'Usable', message: usableNote(object) }
        : { type: 'Ready', status: 'False', reason: ready.reason, message: shortened(ready.message) };
    const before = stored('Ready');
    const isSame =
      before?.status === one.status && before.reason === one.reason && before.message === one.message;
    if (!isSame) wanted.push(one);
  }
  return wanted.map((one) => ({ ...one, ...(observed !== undefined && { observedGeneration: observed }) }));
}

function usableNote({ kind }: SpiderIPPool | SpiderSubnet): string {
  return kind === 'SpiderSubnet' ? 'pools can get addresses' : 'new pods can get addresses';
}

/** The write is refused if the object has changed, so that no condition of another program is lost. */
export function actionsFor(
  type: ResourceType,
  object: SpiderIPPool | SpiderSubnet,
  changed: readonly Wanted[],
  now: string,
): Action[] {
  if (changed.length === 0) return [];
  const before = object.status?.conditions;
  const conditions = changed.reduce((all, one) => withCondition(all, one, now), before ?? []);
  const { resourceVersion } = object.metadata;
  const writes = statusActions(type, object, { conditions }).map((action) =>
    action.verb === 'patch' ? { ...action, body: { ...action.body, metadata: { resourceVersion } } } : action,
  );
  return [...writes, ...changed.flatMap((one) => eventOf(type, object, one))];
}

/** A new object that is ready is no news. */
function eventOf(type: ResourceType, object: SpiderIPPool | SpiderSubnet, one: Wanted): Action[] {
  const isGood = (one.status === 'True') === (one.type === 'Ready');
  const before = object.status?.conditions?.find((condition) => condition.type === one.type);
  if (isGood && before === undefined) return [];
  // An overlap is one cause, and has an Event of its own.
  if (one.type === 'Ready' && [one.reason, before?.reason].includes(OVERLAPPING_CONDITION)) return [];
  const { reason = '', message = '' } = one;
  const note = { type: isGood ? ('Normal' as const) : ('Warning' as const), reason, message };
  return [{ verb: 'event', type, object, note }];
}
