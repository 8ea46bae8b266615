// The IPAMClaims that the NICs of a pod name (`ipam-claim-reference` of a network selection). One pod at a time uses a
// claim: `status.ownerPod` names it before it gets an address, and each write is refused if the claim was changed.

import { foreignResources, type IPAMClaim, type Pod, resources } from '#api';
import { type Clock, isOrbError, OrbError, timeText } from '#base';
import { formatCidr } from '#ip';
import { againOnConflict, ifFound, type KubeClient } from '#kube';
import { type Assignment, interfaceAddress, machineOf, type PodHolder } from '#plan/ipam';
import { hasFinished, unchanged } from '#plan/reclaim';
import type { PodNetworks } from './pod-facts.ts';

/** The name of the claim of each NIC that has one. */
export type NicClaims = ReadonlyMap<string, string>;

/** The type of the condition, as OVN-Kubernetes writes it. */
const ALLOCATED = 'IPsAllocated';
const MOST_CONFLICTS = 5;

/**
 * A virtual machine that keeps its addresses anyway needs no claim. Its two pods share them in a migration.
 * @throws OrbError INPUT_INVALID if two NICs name one claim
 */
export function nicClaims({ selections }: PodNetworks, { fixedTo }: PodHolder): NicClaims {
  const claims = new Map<string, string>();
  if (fixedTo === 'VirtualMachineInstance') return claims;
  const nicOf = new Map<string, string>();
  for (const [nic, { place, selection }] of selections) {
    const name = selection['ipam-claim-reference'];
    if (name === undefined) continue;
    const other = nicOf.get(name);
    if (other !== undefined) {
      const message = `${place}: interface ${nic} names IPAMClaim ${name}, which interface ${other} names too`;
      throw new OrbError('INPUT_INVALID', { message, subject: place });
    }
    nicOf.set(name, nic);
    claims.set(nic, name);
  }
  return claims;
}

export class ClaimWriter {
  readonly #client: KubeClient;
  readonly #clock: Clock;

  constructor({ client, clock }: { readonly client: KubeClient; readonly clock: Clock }) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Names the pod as the user of its claims. The target of a live migration uses those of the source together with it.
   * @throws OrbError IPAM_CLAIM_NOT_FOUND, or IPAM_CLAIM_IN_USE if another pod that lives uses one
   */
  async hold(
    pod: Pod,
    { isMigrationTarget }: Pick<PodHolder, 'isMigrationTarget'>,
    claims: NicClaims,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = '', name = '' } = pod.metadata;
    for (const claim of claims.values()) {
      await this.#change(namespace, claim, signal, async ({ status }) => {
        const other = status?.ownerPod?.name ?? '';
        if (other === name) return undefined;
        const user = other === '' ? undefined : await this.#living(namespace, other, signal);
        if (user !== undefined && !(isMigrationTarget && machineOf(user) === machineOf(pod))) {
          const message = `pod ${namespace}/${other} uses IPAMClaim ${namespace}/${claim}, which pod ${namespace}/${name} names`;
          throw new OrbError('IPAM_CLAIM_IN_USE', { message, subject: `IPAMClaim ${namespace}/${claim}` });
        }
        return { ips: status?.ips ?? [], ownerPod: { name } };
      });
    }
  }

  /** Writes the addresses of each NIC into its claim. */
  async show(
    pod: Pod,
    claims: NicClaims,
    assignments: readonly Assignment[],
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = '', name = '' } = pod.metadata;
    for (const [nic, claim] of claims) {
      const own = assignments.filter((one) => one.nic === nic);
      if (own.length === 0) continue;
      const ips = own.map((one) => formatCidr(interfaceAddress(one)));
      await this.#change(namespace, claim, signal, async ({ status }) => {
        const conditions = status?.conditions ?? [];
        const isTold = conditions.some(({ type, status }) => type === ALLOCATED && status === 'True');
        const isSame = (status?.ips ?? []).join() === ips.join();
        if (status?.ownerPod?.name !== name || (isSame && isTold)) return undefined;
        const condition = {
          type: ALLOCATED,
          status: 'True' as const,
          reason: 'SuccessfulAllocation',
          message: `pod ${name} has ${ips.join(', ')}`,
          lastTransitionTime: timeText(this.#clock.now()),
        };
        const others = conditions.filter(({ type }) => type !== ALLOCATED);
        return { ips, conditions: [...others, condition] };
      });
    }
  }

  /** Repeats reading and writing while other writers are faster. */
  async #change(
    namespace: string,
    name: string,
    signal: AbortSignal,
    change: (claim: IPAMClaim) => Promise<IPAMClaim['status'] | undefined>,
  ): Promise<void> {
    const type = foreignResources.ipamClaims;
    await againOnConflict(MOST_CONFLICTS, async () => {
      try {
        const claim = await this.#client.get(type, { namespace, name }, { signal });
        if (claim.metadata.deletionTimestamp !== undefined)
          throw missing(namespace, name, 'is being deleted');
        const status = await change(claim);
        if (status === undefined) return;
        const body = { metadata: unchanged(claim), status };
        const patch = { type: 'merge', body, subresource: 'status' } as const;
        await this.#client.patch(type, { namespace, name }, patch, { signal });
      } catch (error) {
        if (isOrbError(error, 'KUBE_NOT_FOUND')) throw missing(namespace, name, 'does not exist');
        throw error;
      }
    });
  }

  async #living(namespace: string, name: string, signal: AbortSignal): Promise<Pod | undefined> {
    const pod = await ifFound(this.#client.get(resources.pods, { namespace, name }, { signal }));
    return pod === undefined || hasFinished(pod) ? undefined : pod;
  }
}

/** The server gives one answer for a missing claim and for a missing kind. */
function missing(namespace: string, name: string, why: string): OrbError {
  const message = `IPAMClaim ${namespace}/${name} of CustomResourceDefinition ipamclaims.k8s.cni.cncf.io ${why}; a network of the pod names it`;
  return new OrbError('IPAM_CLAIM_NOT_FOUND', { message, subject: `IPAMClaim ${namespace}/${name}` });
}
