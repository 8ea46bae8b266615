// The addresses of a mode, with the real Neutron or with some answers changed, without an agent.

import type { NeutronMode } from '#api';
import { silentLogger, systemClock } from '#base';
import type { CloudClient } from '#openstack';
import {
  AddressPairs,
  FixedIps,
  type FixedIpsParts,
  OwnPorts,
  type OwnPortsParts,
  PortAddresses,
} from '#openstack/own-port';
import type { WarmLimits } from '#plan/openstack';

/** All that the modes ask of Neutron. */
export type AskedNeutron = OwnPortsParts['neutron'] & FixedIpsParts['neutron'];

export interface KeptParts extends Omit<FixedIpsParts, 'clock' | 'log' | 'neutron'> {
  readonly mode: NeutronMode;
  readonly neutron: AskedNeutron;
  readonly networkId: string;
  readonly warm: WarmLimits;
  readonly origin?: OwnPortsParts['origin'];
  readonly clock?: FixedIpsParts['clock'];
  readonly log?: FixedIpsParts['log'];
}

export function addressesOf(given: KeptParts): PortAddresses {
  const parts = { clock: systemClock, log: silentLogger, ...given };
  return new PortAddresses({ ...parts, keeper: keeperOf(parts) });
}

function keeperOf(
  parts: KeptParts & Pick<FixedIpsParts, 'clock' | 'log'>,
): FixedIps | OwnPorts | AddressPairs {
  const { mode, neutron, portId } = parts;
  if (mode === 'fixed-ips') return new FixedIps(parts);
  const reserve = new OwnPorts({
    ...parts,
    pair: mode === 'port' ? 'none' : 'new',
    origin: parts.origin ?? { node: 'node1', cluster: 'a-uid' },
    nodeGroups: async () => {
      const sight = await neutron.port(portId);
      return sight.is === 'there' ? sight.value.security_groups : undefined;
    },
  });
  return mode === 'port' ? reserve : new AddressPairs({ ...parts, reserve });
}

/** What is called before and after a call; `isWrite`: Neutron may have done it, whatever becomes of the answer. */
export interface AroundCall {
  readonly before?: (name: keyof AskedNeutron, isWrite: boolean) => void | Promise<void>;
  readonly after?: (name: keyof AskedNeutron, isWrite: boolean) => void | Promise<void>;
}

const writes: ReadonlySet<string> = new Set(['updatePort', 'createPort', 'deletePort', 'disassociate']);
const names = ['port', 'ports', 'extensions', 'floatingIpsOf', ...writes] as (keyof AskedNeutron)[];

/** Neutron through our client, with something around each call. */
export function neutronWith(cloud: CloudClient, { before, after }: AroundCall): AskedNeutron {
  const wrapped = names.map((name) => {
    const call = async (...words: readonly unknown[]): Promise<unknown> => {
      await before?.(name, writes.has(name));
      const method = cloud.neutron[name] as (...words: readonly unknown[]) => Promise<unknown>;
      const answer = await method.apply(cloud.neutron, [...words]);
      await after?.(name, writes.has(name));
      return answer;
    };
    return [name, call] as const;
  });
  return Object.fromEntries(wrapped) as unknown as AskedNeutron;
}
