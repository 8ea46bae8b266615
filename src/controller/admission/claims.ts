// Claims of pools and subnets that are about to be stored. A webhook is asked before an object is stored, so the checks of
// two overlapping objects could both pass, at two replicas and two API servers. Each new network is therefore written into
// one ConfigMap first: its resourceVersion puts all checks in an order, and each check sees the claims before it.

import { z } from 'zod';
import {
  type ConfigMap,
  check,
  checkJson,
  type KubeObject,
  resources,
  type SpiderIPPool,
  type SpiderSubnet,
} from '#api';
import { type Clock, isOrbError, OrbError } from '#base';
import { ifFound, type KubeClient, type ObjectChange } from '#kube';
import { CLAIMS_NAME } from '#plan/installation';
import type { ReviewAnswer, ReviewRequest } from './review.ts';

/** kube-apiserver ends a write after a minute. Until then it may still be stored. */
const LIFE_MS = 60_000;
/** The API server waits 10 s for a webhook. */
const GIVE_UP_MS = 8_000;
/** Of all claims together. kube-apiserver refuses a ConfigMap of more than 1 MiB (core/validation). */
const MOST_BYTES = 1000 * 1024;
/** How many networks are remembered that the informers have shown. */
const MOST_SHOWN = 10_000;

const type = resources.configMaps;
const { spiderIPPools, spiderSubnets } = resources;

/** An object that may be stored any moment: the fields that others are checked against. */
const claimSchema = z.object({
  plural: z.string(),
  object: z.object({
    metadata: z.object({ name: z.string(), uid: z.string().optional() }),
    spec: z.object({
      subnet: z.string(),
      ipVersion: z.literal([4, 6]).optional(),
      ips: z.array(z.string()).optional(),
      excludeIPs: z.array(z.string()).optional(),
    }),
  }),
  /** Milliseconds since 1970 by the clock of the replica that wrote it. */
  atMs: z.number(),
});

type Claim = z.infer<typeof claimSchema>;

/** What objects are checked against besides those that are stored. */
export interface Pending {
  readonly pools: readonly SpiderIPPool[];
  readonly subnets: readonly SpiderSubnet[];
}

type Judge = (pending: Pending) => ReviewAnswer;

interface Waiting {
  readonly request: ReviewRequest;
  readonly judge: Judge;
  readonly untilMs: number;
  readonly settle: (answer: ReviewAnswer) => void;
  readonly fail: (error: unknown) => void;
}

export interface ClaimsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
}

export class Claims {
  readonly #options: ClaimsOptions;
  #waiting: Waiting[] = [];
  #working = false;
  /** Networks that the informers have shown: their claims have done their work. */
  readonly #shown = new Set<string>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** A handler of changes of pools and subnets. */
  shows(plural: string, { object }: ObjectChange<KubeObject>): void {
    this.#shown.add(identityOf(plural, object));
    const [oldest] = this.#shown;
    if (this.#shown.size > MOST_SHOWN && oldest !== undefined) this.#shown.delete(oldest);
  }

  /** Whether the request would give the cluster a network that others can collide with. */
  concerns({ operation, resource, subResource, object, oldObject }: ReviewRequest): boolean {
    if (operation === 'DELETE' || subResource !== '') return false;
    if (![spiderIPPools, spiderSubnets].some(({ plural }) => plural === resource.resource)) return false;
    return networkText(object) !== networkText(oldObject);
  }

  /**
   * Judges a request that it {@link concerns}, and claims its network if it is admitted. A dry run claims nothing.
   * @throws OrbError KUBE_UNREACHABLE and others, if the claim cannot be written
   */
  judge(request: ReviewRequest, judge: Judge): Promise<ReviewAnswer> {
    return new Promise((settle, fail) => {
      const untilMs = this.#options.clock.monotonic() + GIVE_UP_MS;
      this.#waiting.push({ request, judge, untilMs, settle, fail });
      void this.#work();
    });
  }

  /** All requests that wait share one write. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        for (const tell of await this.#judgeAll(batch)) tell();
      } catch (error) {
        if (isRace(error)) this.#again(batch, error);
        else for (const { fail } of batch) fail(error);
      }
    }
    this.#working = false;
  }

  /** Another replica wrote first: its claims must be seen. */
  #again(batch: readonly Waiting[], error: unknown): void {
    const now = this.#options.clock.monotonic();
    for (const waiting of batch) {
      if (waiting.untilMs > now) this.#waiting.push(waiting);
      else waiting.fail(error);
    }
  }

  /** Returns what tells each request its answer, or its own failure: one that cannot be claimed stops no other. */
  async #judgeAll(batch: readonly Waiting[]): Promise<(() => void)[]> {
    const { client, clock, namespace } = this.#options;
    const ref = { namespace, name: CLAIMS_NAME };
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const stored = await ifFound(client.get(type, ref, { signal }));
    const nowMs = clock.now();
    const claims = readClaims(stored).filter(({ atMs }) => Math.abs(nowMs - atMs) < LIFE_MS);
    const before = claims.length;
    const room = new Room(claims);
    const answers = batch.map(({ request, judge, settle, fail }) => {
      try {
        const answer = judge(this.#pending(claims));
        if (answer.allowed && request.dryRun !== true) claims.push(room.taken(claimOf(request, nowMs)));
        return () => settle(answer);
      } catch (error) {
        return () => fail(error);
      }
    });
    if (claims.length === before) return answers;
    const data = Object.fromEntries(claims.map((claim, index) => [`claim-${index}`, JSON.stringify(claim)]));
    if (stored === undefined) await client.create(type, { metadata: ref, data }, { signal });
    else await client.update(type, { ...stored, data }, { signal });
    return answers;
  }

  #pending(claims: readonly Claim[]): Pending {
    const open = claims.filter(({ plural, object }) => !this.#shown.has(identityOf(plural, object)));
    const of = (wanted: string) => open.flatMap(({ plural, object }) => (plural === wanted ? [object] : []));
    return { pools: of(spiderIPPools.plural) as SpiderIPPool[], subnets: of(spiderSubnets.plural) };
  }
}

/** Another one wrote between our read and our write. */
function isRace(error: unknown): boolean {
  return isOrbError(error, 'KUBE_CONFLICT') || isOrbError(error, 'KUBE_ALREADY_EXISTS');
}

/** How many bytes of claims may still be added. */
class Room {
  #bytes = 0;

  constructor(claims: readonly Claim[]) {
    for (const claim of claims) this.#bytes += bytesOf(claim);
  }

  /** @throws OrbError INPUT_INVALID if there is no room */
  taken(claim: Claim): Claim {
    const bytes = bytesOf(claim);
    if (this.#bytes + bytes > MOST_BYTES) {
      const message =
        `${claim.object.metadata.name}: its ${bytes} bytes do not fit beside ${this.#bytes} bytes of other ` +
        `networks of the last minute; allowed together: ${MOST_BYTES}`;
      throw new OrbError('INPUT_INVALID', { message, subject: CLAIMS_NAME });
    }
    this.#bytes += bytes;
    return claim;
  }
}

/** With its key. */
function bytesOf(claim: Claim): number {
  return Buffer.byteLength(JSON.stringify(claim)) + 16;
}

/**
 * @throws OrbError INPUT_INVALID for an object without a name. Everyone can call the webhooks, so this must not be
 * written: no claim after it could be read.
 */
function claimOf({ resource, object }: ReviewRequest, atMs: number): Claim {
  return check(claimSchema, { plural: resource.resource, object, atMs }, { subject: 'AdmissionReview' });
}

/** @throws OrbError INPUT_INVALID if somebody edited the ConfigMap */
function readClaims(stored: ConfigMap | undefined): Claim[] {
  const subject = `ConfigMap ${CLAIMS_NAME}: delete it, the controller makes it anew`;
  return Object.values(stored?.data ?? {}).map((text) => checkJson(claimSchema, text, { subject }));
}

function networkText(object: unknown): string {
  const { subnet, ips, excludeIPs } = ((object ?? {}) as SpiderIPPool).spec ?? {};
  return JSON.stringify([subnet, ips ?? [], excludeIPs ?? []]);
}

function identityOf(plural: string, object: KubeObject): string {
  const { name, uid = '' } = object.metadata;
  return [plural, name, uid, networkText(object)].join(' ');
}
