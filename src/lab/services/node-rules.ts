// The Service rules of one node: as kube-proxy would have them, or as the node's agent writes them in its place.

import { type Clock, OrbError } from '#base';
import { parseAddress } from '#ip';
import { frontNames, SERVICE_TABLE } from '#plan/service-rules';
import { overlayCidr } from '../addressing.ts';
import { run } from '../command.ts';
import { inNetnsOf } from '../topology.ts';
import type { ServiceFront } from './service-fronts.ts';
import { serviceRuleset } from './service-ruleset.ts';

/** Loads rules like those of kube-proxy into the node's namespace, as one transaction. */
export async function loadRules(node: string, fronts: readonly ServiceFront[]): Promise<void> {
  const input = serviceRuleset(fronts, { clusterCidr: overlayCidr, dropInvalid: true });
  await run({ argv: inNetnsOf(node, 'nft', '-f', '-'), input });
}

const PATIENCE_MS = 30_000;

/** Waits until the agent has rules for all of these. Throws LAB_STEP_FAILED if it does not get them. */
export async function awaitRules(node: string, fronts: readonly ServiceFront[], clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const table = await run({ argv: inNetnsOf(node, 'nft', 'list', 'table', 'inet', SERVICE_TABLE) }).catch(
      () => '', // the agent has not made it yet
    );
    const missing = fronts.find((front) => !isIn(table, front));
    if (missing === undefined) return;
    if (clock.monotonic() > deadline) {
      const message = `the agent of ${node} has no rules for ${missing.name} after ${PATIENCE_MS / 1000} s`;
      throw new OrbError('LAB_STEP_FAILED', { message });
    }
    await clock.sleep(100);
  }
}

/** Whether the chain of the front has all endpoints. */
function isIn(table: string, { clusterIp, port, protocol, endpoints, internalLocal }: ServiceFront): boolean {
  const frontend = {
    address: parseAddress(clusterIp),
    port,
    protocol: protocol === 'tcp' ? 'TCP' : 'UDP',
  } as const;
  const name = `chain ${frontNames(frontend).chain} {`;
  const at = table.indexOf(name);
  const chain = at < 0 ? '' : table.slice(at, table.indexOf('\t}\n', at));
  return endpoints
    .filter(({ local }) => local || !internalLocal)
    .every(({ address }) => chain.includes(address));
}
