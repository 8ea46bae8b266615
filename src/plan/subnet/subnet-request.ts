// The annotations of pods that ask for automatic pools: from which subnets, how large, and for how long.

import { z } from 'zod';
import { checkJson, INTERFACE_NAME, shortList } from '#api';
import { OrbError } from '#base';
import type { Family } from '#ip';
import { type Annotations, lowerCaseKeys } from '#plan/ipam';
import { type ApplicationName, isOrphan, isThirdParty } from './application.ts';

const PREFIX = 'ipam.spidernet.io/';
const SUBNETS_ANNOTATION = `${PREFIX}subnets`;
const SUBNET_ANNOTATION = `${PREFIX}subnet`;
export const IP_NUMBER_ANNOTATION = `${PREFIX}ippool-ip-number`;
/** The annotation of pods. The label of pools has the same name. */
export const RECLAIM_ANNOTATION = `${PREFIX}ippool-reclaim`;

/** The NIC of an entry of `subnet` without interface. */
const FIRST_NIC = 'eth0';

/** A pool that is asked for. */
export interface PoolWish {
  readonly nic: string;
  readonly family: Family;
  /** The name of the SpiderSubnet. */
  readonly subnet: string;
}

/** What the annotations of a pod template ask for. */
export interface SubnetRequest {
  /** At least one. Those of one NIC and family are unique. */
  readonly wishes: readonly PoolWish[];
  /** `fixed`: so many addresses. `more`: so many more than pods. */
  readonly number: { readonly kind: 'fixed' | 'more'; readonly count: number };
  /** Whether the pools go with the application. */
  readonly reclaim: boolean;
}

const names = shortList(z.string()).nullish();
const families = { ipv4: names, ipv6: names };
const nic = z.string().regex(INTERFACE_NAME);
const subnetSchema = z.preprocess(lowerCaseKeys, z.strictObject({ ...families, interface: nic.optional() }));
const subnetsSchema = shortList(z.preprocess(lowerCaseKeys, z.strictObject({ ...families, interface: nic })));

/** Whether the annotations ask for automatic pools. They may still be wrong. */
export function asksForSubnets(annotations: Annotations): boolean {
  return annotations[SUBNETS_ANNOTATION] !== undefined || annotations[SUBNET_ANNOTATION] !== undefined;
}

/**
 * Reads the annotations of the application's pods. `redundant` is how many more addresses than pods a pool gets when
 * they name no number. Undefined if they ask for no automatic pool.
 * @throws OrbError INPUT_INVALID in Spiderpool's words, for bad annotations and for applications that cannot have pools
 */
export function readSubnetRequest(
  annotations: Annotations,
  application: ApplicationName,
  redundant: number,
): SubnetRequest | undefined {
  if (!asksForSubnets(annotations)) return undefined;
  if (isOrphan(application)) {
    const asked = [SUBNETS_ANNOTATION, SUBNET_ANNOTATION].find((key) => key in annotations);
    throw refusal(`pod ${application.namespace}/${application.name}`, `annotation ${asked}: ${ORPHAN_TEXT}`);
  }
  const wishes = readWishes(annotations);
  const number = readNumber(annotations[IP_NUMBER_ANNOTATION]);
  if (number === undefined && isThirdParty(application)) {
    const { kind, namespace, name } = application;
    const who = `${kind}/${namespace}/${name}`;
    throw refusal(
      who,
      `${who} only supports fixed auto-created IPPool IP Number: set ${IP_NUMBER_ANNOTATION}`,
    );
  }
  return {
    wishes,
    number: number ?? { kind: 'more', count: redundant },
    reclaim: readReclaim(annotations[RECLAIM_ANNOTATION]),
  };
}

/** How many addresses each pool gets. `pods` is how many pods the application wants, or has if nobody knows. */
export function poolSize({ number }: SubnetRequest, pods: number): number {
  return number.kind === 'fixed' ? number.count : pods + number.count;
}

/** The value of {@link IP_NUMBER_ANNOTATION} on the pool. */
export function numberText({ number }: SubnetRequest): string {
  return number.kind === 'fixed' ? String(number.count) : `+${number.count}`;
}

const ORPHAN_TEXT =
  "SpiderSubnet feature doesn't support no-controller pod: make a Deployment or another workload, or name an IPPool";

function readWishes(annotations: Annotations): PoolWish[] {
  const several = annotations[SUBNETS_ANNOTATION];
  if (several === undefined) {
    const subject = `failed to parse annotation '${SUBNET_ANNOTATION}'`;
    const entry = checkJson(subnetSchema, annotations[SUBNET_ANNOTATION] ?? '', { subject });
    return entryWishes(entry.interface ?? FIRST_NIC, entry, 'single interface', SUBNET_ANNOTATION);
  }
  const subject = `failed to parse annotation '${SUBNETS_ANNOTATION}'`;
  const entries = checkJson(subnetsSchema, several, { subject });
  if (entries.length === 0) throw refusal(SUBNETS_ANNOTATION, 'no subnets specified');
  const form = 'multiple interfaces';
  const twice = repeated(entries.map((entry) => entry.interface));
  if (twice !== undefined) {
    throw refusal(SUBNETS_ANNOTATION, `it's invalid to use the same Interface name for ${form}: ${twice}`);
  }
  const wishes = entries.flatMap((entry) => entryWishes(entry.interface, entry, form, SUBNETS_ANNOTATION));
  const shared = repeated(wishes.map(({ family, subnet }) => `IPv${family} ${subnet}`));
  if (shared === undefined) return wishes;
  throw refusal(SUBNETS_ANNOTATION, `it's invalid to use the same subnet for ${form}: ${shared}`);
}

/** Only the first name of a list counts, as in Spiderpool. */
function entryWishes(
  nicName: string,
  { ipv4, ipv6 }: { ipv4?: string[] | null | undefined; ipv6?: string[] | null | undefined },
  form: string,
  key: string,
): PoolWish[] {
  const lists = [
    { family: 4, subnet: ipv4?.[0] },
    { family: 6, subnet: ipv6?.[0] },
  ] as const;
  const wishes = lists.flatMap(({ family, subnet }) => {
    if (subnet === '') throw refusal(key, `it's invalid to set an empty IPv${family} subnet with ${form}`);
    return subnet === undefined ? [] : { nic: nicName, family, subnet };
  });
  if (wishes.length > 0) return wishes;
  throw refusal(key, `it's invalid to set dual empty subnet with ${form}: interface ${nicName}`);
}

function readNumber(text: string | undefined): SubnetRequest['number'] | undefined {
  if (text === undefined) return undefined;
  const subject = `annotation ${IP_NUMBER_ANNOTATION}`;
  const [, plus, digits] = /^(\+?)(-?\d+)$/.exec(text) ?? [];
  const count = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(count)) {
    throw refusal(
      subject,
      `invalid input '${text}': allowed: '5' for five addresses, '+1' for one more than pods`,
    );
  }
  if (count < 0)
    throw refusal(subject, `subnet '${IP_NUMBER_ANNOTATION}' value must equal or greater than 0: ${text}`);
  return { kind: plus === '+' ? 'more' : 'fixed', count };
}

/** Go's strconv.ParseBool. */
function readReclaim(text: string | undefined): boolean {
  if (text === undefined || /^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  const subject = `annotation ${RECLAIM_ANNOTATION}`;
  throw refusal(
    subject,
    `failed to parse spider subnet '${RECLAIM_ANNOTATION}': '${text}': allowed: true or false`,
  );
}

function repeated(texts: readonly string[]): string | undefined {
  return texts.find((text, index) => texts.indexOf(text) !== index);
}

function refusal(subject: string, message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject });
}
