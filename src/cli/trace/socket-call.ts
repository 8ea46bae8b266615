// What a socket call makes of a Service, where the agent of the node serves Services there.

import { SERVICE_QUESTION_TYPE, type ServiceReport, serviceReportSchema } from '#api';
import { isOrbError } from '#base';
import { type Address, parseAddress } from '#ip';
import { leavesServices, type Place, placeText } from '#plan/service';
import type { Protocol } from '#plan/trace';
import { askAgent } from '../ask-agent.ts';
import { type ClusterFacts, podName } from './facts.ts';

/** What the agent of the node says of an address with a port: `10.96.0.1:80`. Undefined if no agent answers. */
export type AskServices = (place: string) => Promise<ServiceReport | undefined>;

/** Asks over the agent's socket. */
export function askServicesAt(socketPath: string): AskServices {
  return async (place) => {
    try {
      return serviceReportSchema.parse(await askAgent(socketPath, SERVICE_QUESTION_TYPE, { place }));
    } catch (error) {
      if (isOrbError(error, 'AGENT_UNREACHABLE')) return undefined;
      throw error;
    }
  };
}

interface AskedCall {
  /** Who calls: a pod is `namespace/name`. */
  readonly from: string;
  readonly address: Address;
  readonly port: number;
  readonly protocol: Protocol;
}

/** The backends of which the call gets one; none if it is refused. Undefined if packets go to the address itself. */
export async function backendsOfCall(
  ask: AskServices | undefined,
  { pods }: Pick<ClusterFacts, 'pods'>,
  { from, address, port, protocol }: AskedCall,
): Promise<readonly Place[] | undefined> {
  const caller = pods.find((pod) => podName(pod) === from);
  if (ask === undefined || protocol === 'icmp' || (caller !== undefined && leavesServices(caller)))
    return undefined;
  const report = await ask(placeText({ address, port }));
  if (report === undefined || report.off !== undefined) return undefined;
  const found = report.ports.find((each) => each.protocol === protocol.toUpperCase());
  if (found === undefined) return undefined;
  const usable = (found.endpoints ?? []).filter(({ sockets }) => sockets === 'all');
  return usable.map((endpoint) => placeOf(endpoint.place));
}

/** As the agent writes it: `10.244.0.5:8080`, `[fd00::5]:8080`. */
function placeOf(text: string): Place {
  const at = text.lastIndexOf(':');
  return {
    address: parseAddress(text.slice(0, at).replace(/^\[(.*)\]$/, '$1')),
    port: Number(text.slice(at + 1)),
  };
}
