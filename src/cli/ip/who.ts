// The work of `orbctl ip who`: what the pools record of an address, and what the pod of the record says.

import { resources } from '#api';
import { isOrbError, OrbError } from '#base';
import { formatAddress, tryParseAddress } from '#ip';
import type { KubeClient } from '#kube';
import { readReserved, type Whereabouts, whereaboutsOf } from '#plan/ipam';
import { refOfPod } from '#reclaim';
import type { WhoFlags } from '../ip.ts';

/** What is there under the name of the holder. `otherUid`: a newer pod of the same name. */
type PodState = 'present' | 'otherUid' | 'gone';

interface Answer extends Whereabouts {
  readonly podState: PodState | undefined;
  readonly node: string | undefined;
}

type Reader = Pick<KubeClient, 'get' | 'list'>;

/** Throws INPUT_INVALID if the text is no address, and what the API server answers if it cannot be read. */
export async function runWho(client: Reader, text: string, { output }: WhoFlags): Promise<string> {
  const parsed = tryParseAddress(text);
  if (parsed === undefined) {
    const message = `ADDRESS ${JSON.stringify(text)}: allowed is an IPv4 or IPv6 address without prefix length and zone`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  const address = formatAddress(parsed);
  const [pools, reserved] = await Promise.all([
    client.list(resources.spiderIPPools, {}),
    client.list(resources.spiderReservedIPs, {}),
  ]);
  const read = readReserved(reserved.items);
  const { found, unreadable } = whereaboutsOf(parsed, pools.items, read.reserved);
  const answers = await Promise.all(found.map((one) => withPod(client, one)));
  if (output === 'json') {
    const places = answers.map(({ pool, subnet, state, holder, podState, node, closed }) => ({
      ...{ pool, subnet, state, closed: closed ?? null, pod: holder?.pod ?? null },
      ...{ podUid: holder?.podUid ?? null, nic: holder?.nic ?? null },
      ...{ podState: podState ?? null, node: node ?? null },
    }));
    const unreadableReserved = read.unreadable;
    return JSON.stringify({ address, pools: places, unreadable, unreadableReserved }, undefined, 2);
  }
  return [
    ...(answers.length === 0 ? [`${address} is in the subnet of no pool that can be read`] : []),
    ...answers.map((answer) => `${address} ${sentence(answer)}`),
    ...unreadable.map(({ pool, error }) => `pool ${pool} cannot be read: ${error}`),
    ...read.unreadable.map(({ name, error }) => `SpiderReservedIP ${name} cannot be read: ${error}`),
  ].join('\n');
}

async function withPod(client: Reader, one: Whereabouts): Promise<Answer> {
  if (one.holder === undefined) return { ...one, podState: undefined, node: undefined };
  try {
    const { metadata, spec } = await client.get(resources.pods, refOfPod(one.holder.pod));
    const podState = metadata.uid === one.holder.podUid ? 'present' : 'otherUid';
    return { ...one, podState, node: podState === 'present' ? spec?.nodeName : undefined };
  } catch (error) {
    if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
    return { ...one, podState: 'gone', node: undefined };
  }
}

const states: Readonly<Record<Whereabouts['state'], string>> = {
  held: 'is held',
  free: 'is free',
  reserved: 'is reserved by a SpiderReservedIP',
  excluded: 'is excluded by spec.excludeIPs',
  unusable: 'can be used by no machine, as the network or broadcast address',
  outside: 'is not in spec.ips',
};

function sentence({ pool, subnet, state, holder, podState, node, closed }: Answer): string {
  const place = `pool ${pool} (${subnet})`;
  const note = closed === undefined ? '' : `; ${closed}`;
  if (holder === undefined) return `${states[state]}: ${place}${note}`;
  const where = {
    present: node === undefined ? 'the pod has no node' : `the pod is on node ${node}`,
    otherUid: 'a newer pod has this name now',
    gone: 'the pod is gone',
  };
  const nic = holder.nic === undefined ? '' : `, NIC ${holder.nic}`;
  const pod = `pod ${holder.pod}, UID ${holder.podUid}${nic}`;
  return `is held by ${pod}: ${place}; ${where[podState ?? 'gone']}${note}`;
}
