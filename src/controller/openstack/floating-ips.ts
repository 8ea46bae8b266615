// Leads floating IPs of OpenStack to the pods that ask for them. The key is `namespace/name` of a pod.

import { type Pod, resources } from '#api';
import { type Clock, errorText, isOrbError, type Logger } from '#base';
import { type KubeClient, keyOf } from '#kube';
import type { CloudClient } from '#openstack';
import {
  CloudLedger,
  deleteMadeFloating,
  type FloatingEntry,
  floatingDescription,
  floatingLedger,
  isAsLeft,
  type LedgerPlace,
  takeBackFloating,
} from '#openstack/cluster-ledger';
import {
  associationStep,
  FLOATING_IP_ANNOTATION,
  type FloatingTarget,
  type FloatingWish,
  floatingWish,
  ownAddresses,
  serverOfProviderId,
} from '#plan/openstack';
import { type Action, type Plan, splitKey } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';

export interface FloatingIpsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The namespace of the ledger. */
  readonly namespace: string;
  readonly neutron: CloudClient['neutron'];
}

type Ledger = CloudLedger<FloatingEntry>;

/** A key for the start: which pods have floating IPs by us. It cannot be the name of a pod. */
const LEDGER = ' ledger';
/** A pod without its floating IP is looked at again: an address may come late, and others may set one free. */
const AGAIN_MS = 15_000;
/** A pod that has its floating IP is looked at again: others may have led it elsewhere. */
const LOOK_MS = 300_000;

export function floatingIpsController(options: FloatingIpsOptions): AddressController {
  const floating = new FloatingIps(options);
  return {
    name: 'floating-ips',
    concerns: (kind, object) =>
      kind === 'pods' && object.metadata.annotations?.[FLOATING_IP_ANNOTATION] !== undefined
        ? [keyOf(object)]
        : [],
    outside: (changed) => floating.begin(changed),
    plan: (key, state, _, signal) => floating.plan(key, state, signal),
  };
}

class FloatingIps {
  readonly #options: FloatingIpsOptions;
  readonly #place: LedgerPlace<FloatingEntry>;
  #changed: (key: string) => void = () => {};

  constructor(options: FloatingIpsOptions) {
    this.#options = options;
    this.#place = floatingLedger(options);
  }

  begin(changed: (key: string) => void): () => void {
    this.#changed = changed;
    changed(LEDGER);
    return () => {
      this.#changed = () => {};
    };
  }

  async plan(key: string, state: AddressState, signal: AbortSignal): Promise<Plan> {
    const ledger = await CloudLedger.read(this.#place, signal);
    if (key === LEDGER) {
      for (const [, { pod }] of ledger.readable) this.#changed(pod);
      // What cannot be read is said, again and again.
      for (const uid of ledger.keys) ledger.get(uid);
      return [];
    }
    const { namespace, name } = splitKey(key);
    const pod = state.pods.get(name, namespace);
    const wish = pod && floatingWish(pod);
    const cleaned = await this.#clean(
      key,
      wish === undefined ? undefined : pod?.metadata.uid,
      ledger,
      signal,
    );
    if (pod === undefined || wish === undefined) return [];
    // It starts: its status comes.
    if ((pod.status?.podIPs ?? []).length === 0) return [];
    const served =
      'why' in wish
        ? wish
        : await this.#serve(pod, wish.value, state, cleaned, signal).catch((error: unknown) => ({
            why: refusalText(error),
          }));
    if (served === undefined) return { actions: [], againAfterMs: LOOK_MS };
    if ('why' in served) return { actions: [told(pod, 'Warning', served.why)], againAfterMs: AGAIN_MS };
    return { actions: [told(pod, 'Normal', served.done)], againAfterMs: LOOK_MS };
  }

  /** Takes back what pods of this name had: all of them, or all but the living one. */
  async #clean(
    key: string,
    livingUid: string | undefined,
    before: Ledger,
    signal: AbortSignal,
  ): Promise<Ledger> {
    let ledger = before;
    for (const [uid, entry] of before.readable) {
      if (entry.pod !== key || uid === livingUid) continue;
      await takeBackFloating(this.#options.neutron, uid, entry, signal);
      ledger = await ledger.with(uid, undefined, signal);
      this.#options.log.info({ pod: key, address: entry.address }, 'a floating IP leads to the pod no more');
    }
    return ledger;
  }

  /** Undefined: all was there. */
  async #serve(
    pod: Pod,
    wish: FloatingWish,
    state: AddressState,
    before: Ledger,
    signal: AbortSignal,
  ): Promise<{ readonly done: string } | { readonly why: string } | undefined> {
    const { neutron } = this.#options;
    const { uid = '' } = pod.metadata;
    const target = await this.#target(pod, state, signal);
    if ('why' in target) return target;
    const own = before.get(uid);
    const [ledger, floating] = await this.#floatingFor(pod, wish, before, signal);
    if (floating === undefined)
      return { why: `the project has no floating IP ${wish.kind === 'address' ? wish.address : ''}` };
    const user = ledger.readable.find(([one, entry]) => one !== uid && entry.floatingIpId === floating.id);
    const isOurs = own?.floatingIpId === floating.id && isAsLeft(floating, own);
    const step = associationStep(floating, target.value, { user: user?.[1].pod, isOurs });
    if (typeof step === 'object') return step;
    const isMade = wish.kind === 'network';
    const { portId, address } = target.value;
    const entry = { pod: keyOf(pod), isMade, floatingIpId: floating.id, portId, address };
    if (step === 'done') {
      // The ledger was lost: what was made for the pod is still to be deleted with it.
      if (isMade) await ledger.with(uid, entry, signal);
      return undefined;
    }
    // The annotation names another one now.
    if (own !== undefined && own.floatingIpId !== floating.id && !isMade)
      await takeBackFloating(neutron, uid, own, signal);
    // The ledger is to say where it leads, also if this program dies before it leads there.
    if (floating.port_id !== null) await neutron.disassociate(floating.id, { signal });
    await ledger.with(uid, entry, signal);
    await neutron.associate(floating.id, target.value, { signal });
    return { done: `floating IP ${floating.floating_ip_address} leads to ${address}` };
  }

  /** That of the annotation, or the one that was made for the pod, now or earlier. */
  async #floatingFor(pod: Pod, wish: FloatingWish, ledger: Ledger, signal: AbortSignal) {
    const { neutron } = this.#options;
    const { uid = '' } = pod.metadata;
    if (wish.kind === 'address') {
      const [found] = await neutron.floatingIps({ floating_ip_address: wish.address }, { signal });
      return [ledger, found] as const;
    }
    const description = floatingDescription(uid);
    const own = ledger.get(uid);
    const all = await neutron.floatingIps({ description }, { signal });
    const fitting = all.filter((one) => one.floating_network_id === wish.networkId);
    const made = fitting.find(({ id }) => id === own?.floatingIpId) ?? fitting[0];
    if (all.length > 1 || made === undefined)
      await deleteMadeFloating(neutron, uid, { entry: own, kept: made }, signal);
    if (made !== undefined) return [ledger, made] as const;
    // The annotation named another one before.
    if (own !== undefined) await takeBackFloating(neutron, uid, own, signal);
    const entry = { pod: keyOf(pod), isMade: true, floatingIpId: null, portId: null, address: null };
    const begun = await ledger.with(uid, entry, signal);
    return [begun, await neutron.createFloatingIp(wish.networkId, description, { signal })] as const;
  }

  /** The port of the pod's VM that has an address of the pod. */
  async #target(
    pod: Pod,
    state: AddressState,
    signal: AbortSignal,
  ): Promise<{ readonly value: FloatingTarget } | { readonly why: string }> {
    const node = state.nodes.get(pod.spec?.nodeName ?? '');
    if (node === undefined) return { why: 'the pod is on no node yet' };
    const { providerID } = node.spec ?? {};
    if (providerID === undefined)
      return { why: `node ${node.metadata.name} has no spec.providerID, so its VM is not known` };
    const server = serverOfProviderId(providerID);
    if ('why' in server) return server;
    const ports = await this.#options.neutron.ports({ device_id: server.value }, { signal });
    for (const address of ownAddresses(pod, node)) {
      const port = ports.find(({ fixed_ips }) => fixed_ips.some((one) => one.ip_address === address));
      if (port !== undefined) return { value: { portId: port.id, address } };
    }
    return { why: `no address of the pod is on a port of its VM ${server.value}` };
  }
}

/** What Neutron will not do for this pod, in its words: its owner is told. Throws what may pass by itself. */
function refusalText(error: unknown): string {
  if (refusals.some((code) => isOrbError(error, code))) return errorText(error);
  throw error;
}

const refusals = [
  'OPENSTACK_CONFLICT',
  'OPENSTACK_FORBIDDEN',
  'OPENSTACK_NOT_FOUND',
  'OPENSTACK_QUOTA',
  'OPENSTACK_REFUSED',
  'OPENSTACK_SUBNET_FULL',
] as const;

function told(object: Pod, type: 'Normal' | 'Warning', message: string): Action {
  const reason = type === 'Normal' ? 'FloatingIpAssociated' : 'FloatingIpMissing';
  return { verb: 'event', type: resources.pods, object, note: { type, reason, message } };
}
