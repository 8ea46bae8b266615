// What a provider of an IaaS is asked and answers, in the words of Spiderpool 1.2 (docs/usage/iaas-network-provider). It
// binds an address that a pool gave to the NIC of a node, and says with which MAC address and VLAN the pod must send.

import { z } from 'zod';
import { OrbError } from '#base';
import { type Address, type Cidr, formatAddress, formatCidr, sameAddress, tryParseAddress } from '#ip';
import { type ProvidedLink, unicastMac } from '../ipam/index.ts';

/** The pod of an address. A fixed address of a virtual machine has the machine's name. */
export interface IaasPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** An address that the provider binds or lets go, and where. */
export interface BoundAddress {
  readonly pod: IaasPod;
  readonly node: string;
  /** Empty if nobody knows: Spiderpool has bound the address. */
  readonly parentNicMac: string;
  readonly address: Address;
  /** That of the pool, without host bits. */
  readonly subnet: Cidr;
}

const HIGHEST_VLAN = 4094;

/** The longest piece of a wrong answer that becomes a part of a message. */
const SAID_MAXIMUM = 200;

/** The body of allocate-ips. */
export function bindingBody(bound: BoundAddress): object {
  return { ...podFields(bound), iaasIPsAllocationRequest: [addressFields(bound)] };
}

/** The body of release-ip. */
export function releaseBody(bound: BoundAddress): object {
  return { ...podFields(bound), ...addressFields(bound) };
}

function podFields({ pod, node }: BoundAddress): object {
  return { podName: pod.name, podNamespace: pod.namespace, podUID: pod.uid, nodeName: node };
}

function addressFields({ address, subnet, parentNicMac }: BoundAddress): object {
  return {
    ...{ ipAddress: formatAddress(address), subnet: formatCidr(subnet) },
    ...(parentNicMac !== '' && { parentNicMac }),
  };
}

const text = z.string().nullish();
const answerSchema = z.object({
  iaasIPsAllocationResponse: z
    .array(
      z.object({
        ipAddress: z.string(),
        parentNicMac: text,
        macAddress: text,
        vlanId: z.int().min(0).max(HIGHEST_VLAN).nullish(),
      }),
    )
    .max(16),
});

/**
 * The answer of allocate-ips to the question for this address. A field that the provider leaves out stays as it is.
 * @throws OrbError IAAS_ANSWER_INVALID, which names what is wrong. The provider may have bound the address all the same.
 */
export function readBinding(body: string, asked: BoundAddress): ProvidedLink {
  const { iaasIPsAllocationResponse: answers } = readAnswer(body, asked);
  const own = answers.filter(({ ipAddress }) => isOf(ipAddress, asked));
  const other = answers.find(({ ipAddress }) => !isOf(ipAddress, asked));
  if (other !== undefined) throw wrong(asked, `names ${quoted(other.ipAddress)}, which nobody asked for`);
  const [answer, second] = own;
  if (answer === undefined) throw wrong(asked, 'lacks the address');
  if (second !== undefined) throw wrong(asked, 'names the address twice');
  const { parentNicMac, macAddress, vlanId } = answer;
  if (parentNicMac && unicastMac(parentNicMac) !== unicastMac(asked.parentNicMac)) {
    const asks = `but ${asked.parentNicMac} was asked for`;
    throw wrong(asked, `has the address on the NIC ${quoted(parentNicMac)}, ${asks}`);
  }
  const mac = macAddress ? unicastMac(macAddress) : undefined;
  if (macAddress && mac === undefined) {
    throw wrong(asked, `has macAddress ${quoted(macAddress)}, which is no unicast MAC address`);
  }
  // Go writes 0 where there is none, and 0 is no VLAN.
  return { ...(mac !== undefined && { mac }), ...(vlanId && { vlan: vlanId }) };
}

function readAnswer(body: string, asked: BoundAddress): z.infer<typeof answerSchema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw wrong(asked, `is not JSON: ${quoted(body)}`);
  }
  const parsed = answerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw wrong(asked, `has another form: ${issue?.path.join('.')}: ${issue?.message}`);
}

function isOf(text: string, { address }: BoundAddress): boolean {
  const parsed = tryParseAddress(text);
  return parsed !== undefined && sameAddress(parsed, address);
}

function quoted(words: string): string {
  return JSON.stringify(words.slice(0, SAID_MAXIMUM));
}

function wrong({ address }: BoundAddress, why: string): OrbError {
  const asked = formatAddress(address);
  const message = `the IaaS provider's answer to allocate-ips for ${asked} ${why}`;
  return new OrbError('IAAS_ANSWER_INVALID', { message, subject: asked });
}
