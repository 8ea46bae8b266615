// CNI type `veth-route`: a main plugin. The pod has one veth pair to its node, and two routes of each family. The node
// routes, and answers on its NIC for the addresses of the pod.

import { type CniDns, type CniResult, parseVethRouteConf, prevResultOf } from '#api';
import { errorText, type Logger, OrbError } from '#base';
import { type Address, defaultDestination, formatAddress, formatCidr, parseCidr } from '#ip';
import { MAIN_TABLE, type NetworkNamespace, type ProxyNeighbour } from '#net';
import {
  type AttachmentRecord,
  applyNetwork,
  checkNetwork,
  heldProxies,
  linksThatHearRouters,
  partOf,
  recordVethRoute,
  removeProxies,
  undoPair,
  type VethRoutePart,
  vethRouteNetwork,
  vethRoutePart,
  withPart,
} from '#node';
import {
  type AttachmentKey,
  linkGateway,
  planVethRoute,
  planVethRoutePair,
  type RoutedAddress,
  routeText,
  sameProxy,
  vethRoutePair,
} from '#plan/network';
import { collectGarbage } from '../collection.ts';
import { type IpamParts, IpamPlugin, releasingIpam, requireIpam } from '../ipam/index.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { addedNamespace, leftNamespace, recordedNetns } from '../pod-namespace.ts';
import { addingIpam } from './delegated-ipam.ts';
import { NodeNics } from './node-nics.ts';

export interface VethRouteParts extends IpamParts {
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  /** The path of the node's own namespace. */
  readonly nodeNetns: string;
  /** The node's current addresses. */
  readonly nodeAddresses: () => readonly Address[];
}

export class VethRoutePlugin implements CniPlugin {
  readonly #parts: VethRouteParts;

  constructor(parts: VethRouteParts) {
    this.#parts = parts;
  }

  async add(call: NetnsCall): Promise<CniResult> {
    const { attachments, node, nodeNetns } = this.#parts;
    const conf = parseVethRouteConf(call.conf);
    const ipam = requireIpam(call.conf, this.#parts);
    const key = keyOf(call);
    const before = attachments.get(key);
    const isNew = before === undefined || partOf(before, vethRoutePart) === undefined;
    const pod = await this.#parts.openNamespace(call.netns);
    try {
      const nics = new NodeNics(node, conf);
      requireDefaultRoutes(pod, key.interfaceName);
      const podMac = this.#makePair(pod, key, nics);
      const given = await addingIpam(ipam, this.#parts, { nics, nodeNetns }).add(call);
      const mac = pod.link(key.interfaceName)?.mac ?? podMac;
      const addresses = (given.ips ?? []).map((ip) => nics.routed(parseCidr(ip.address)));
      const dns = Object.keys(given.dns ?? {}).length > 0 ? given.dns : conf.dns;
      return await this.#connect(call, { pod, nics, addresses, podMac: mac, dns });
    } catch (refused) {
      if (isNew) await this.#takeBack(call);
      throw refused;
    } finally {
      pod.close();
    }
  }

  /** Makes both ends, because the source of addresses may demand something of the pod's end. Returns its MAC address. */
  #makePair(pod: NetworkNamespace, key: AttachmentKey, nics: NodeNics): string {
    const { node } = this.#parts;
    const pair = vethRoutePair(key);
    const there = pod.link(key.interfaceName);
    const podMac = there?.mac ?? pair.podMac;
    const mtuBytes = there?.mtuBytes ?? nics.mtuBytes([]);
    applyNetwork(planVethRoutePair({ ...key, mtuBytes, podMac }), { pod, node });
    return podMac;
  }

  async #connect(call: NetnsCall, { pod, nics, addresses, podMac, dns }: Connection): Promise<CniResult> {
    const { attachments, node, nodeAddresses } = this.#parts;
    const key = keyOf(call);
    const mtuBytes = nics.mtuBytes(addresses);
    const input = { ...key, addresses, mtuBytes, podMac, nodeAddresses: nodeAddresses() };
    const given = attachments.get(key);
    if (given === undefined) throw new OrbError('INTERNAL', { message: 'IPAM recorded nothing' });
    const record: AttachmentRecord = { ...given, netns: recordedNetns(call.netns, pod) };
    const intended: VethRoutePart = { state: 'intended', plan: recordVethRoute(input) };
    await attachments.putForKernel(withPart(record, vethRoutePart, intended));
    const advertisedLinks = linksThatHearRouters(node);
    applyNetwork(planVethRoute({ ...input, advertisedLinks }), { pod, node });
    setImmediate(() => {
      this.#recordDone(key, intended, call.log);
      if (record.ipam?.shared !== true) void this.#announce(addresses, nics, call.log);
    });
    return resultOf(call, { addresses, podMac, mtuBytes, dns });
  }

  /** The runtime does not wait for this write. The record on the disk already holds everything that DEL and CHECK need. */
  #recordDone(key: AttachmentKey, intended: VethRoutePart, log: Logger): void {
    const { attachments } = this.#parts;
    const now = attachments.get(key);
    if (now === undefined || partOf(now, vethRoutePart) !== intended) return;
    attachments
      .putForKernel(withPart(now, vethRoutePart, { ...intended, state: 'done' }))
      .catch((error: unknown) => {
        log.error({ err: error }, 'the record of the attachment could not be completed');
      });
  }

  /** Neighbours of the node may remember the machine that had the address before. The runtime does not wait for this. */
  async #announce(addresses: readonly RoutedAddress[], nics: NodeNics, log: Logger): Promise<void> {
    const { detection, nodeNetns: netns } = this.#parts;
    for (const { address, uplink: nic } of addresses) {
      if (nic === undefined || !nics.isUp(nic)) continue;
      try {
        await detection.announce({ netns, nic, addresses: [address.address], log });
      } catch (error) {
        log.warn({ error: errorText(error), nic }, 'could not announce the addresses');
      }
    }
  }

  /** Undoes a refused first ADD. What cannot be undone now stays recorded for DEL. */
  async #takeBack(call: NetnsCall): Promise<void> {
    try {
      await this.#removeNic(keyOf(call), call.netns);
      const left = this.#parts.attachments.get(keyOf(call));
      if (left !== undefined) await releasingIpam(call.conf, left, this.#parts)?.del(call);
    } catch (error) {
      call.log.error({ err: error }, 'what a refused ADD has made stays until DEL');
    }
  }

  /** The network goes first: it needs nobody but the node. */
  async del(call: AttachmentCall): Promise<void> {
    const { attachments } = this.#parts;
    const key = keyOf(call);
    await this.#removeNic(key, call.environment.netns);
    await releasingIpam(call.conf, attachments.get(key), this.#parts)?.del(call);
  }

  async check(call: NetnsCall): Promise<void> {
    const key = keyOf(call);
    if (prevResultOf(call.conf) === undefined) {
      throw new OrbError('INPUT_INVALID', {
        message: 'prevResult is missing; CHECK needs the result of ADD',
        subject: 'network configuration',
      });
    }
    const record = this.#parts.attachments.get(key);
    const part = record && partOf(record, vethRoutePart);
    if (record === undefined || part === undefined) {
      throw new OrbError('CNI_CHECK_FAILED', {
        message: `there is no record of interface ${key.interfaceName} of container ${key.containerId}`,
      });
    }
    const pod = await addedNamespace(this.#parts, record.netns, call.netns);
    try {
      const broken = checkNetwork(vethRouteNetwork(key, part), { pod, node: this.#parts.node });
      if (broken.length > 0) {
        throw new OrbError('CNI_CHECK_FAILED', {
          message: broken.join('; '),
          subject: `interface ${key.interfaceName}`,
        });
      }
    } finally {
      pod.close();
    }
    await releasingIpam(call.conf, record, this.#parts)?.check(call);
  }

  async gc(call: PluginCall): Promise<void> {
    const { attachments } = this.#parts;
    try {
      await collectGarbage(call, attachments, vethRoutePart, (record) =>
        this.#removeNic(record, record.netns?.path),
      );
    } finally {
      await new IpamPlugin(requireIpam(call.conf, this.#parts), this.#parts).gc(call);
    }
  }

  async status({ conf }: PluginCall): Promise<void> {
    await new IpamPlugin(requireIpam(conf, this.#parts), this.#parts).status();
  }

  /**
   * Removes the pair, with the routes on it, and the proxies of its addresses. A newer sandbox of the pod may have the
   * same addresses: then the NIC must go on answering for them.
   */
  async #removeNic(key: AttachmentKey, netns: string | undefined): Promise<void> {
    const { attachments, node } = this.#parts;
    const pod = await leftNamespace(this.#parts, attachments.get(key)?.netns, netns);
    try {
      await undoPair(node, vethRoutePair(key), pod);
    } finally {
      pod?.close();
    }
    // An ADD that has answered may have completed the record meanwhile.
    const record = attachments.get(key);
    if (record === undefined) return;
    const kept = heldProxies(attachments.all().filter((other) => other !== record));
    const own = heldProxies([{ ...record, supersededBy: undefined }]);
    const isIn = (some: typeof own, proxy: ProxyNeighbour) => some.some((each) => sameProxy(each, proxy));
    removeProxies(node, (proxy) => isIn(own, proxy) && !isIn(kept, proxy));
    await attachments.removePart(record, vethRoutePart);
  }
}

interface Connection {
  readonly pod: NetworkNamespace;
  readonly nics: NodeNics;
  readonly addresses: readonly RoutedAddress[];
  readonly podMac: string;
  readonly dns: CniDns | undefined;
}

function keyOf({ environment: { containerId, interfaceName } }: AttachmentCall): AttachmentKey {
  return { containerId, interfaceName };
}

/** All traffic of the pod leaves by this NIC, so no other one may have a default route before. */
function requireDefaultRoutes(pod: NetworkNamespace, interfaceName: string): void {
  const taken = pod
    .routes({ table: MAIN_TABLE })
    .find(({ destination, dev }) => destination.prefixLength === 0 && dev !== interfaceName);
  if (taken === undefined) return;
  throw new OrbError('VETH_ROUTE_DEFAULT_TAKEN', {
    message: `the pod has the route ${routeText(taken)} already, so ${interfaceName} cannot be of type veth-route`,
    subject: `interface ${interfaceName}`,
  });
}

function resultOf(
  call: NetnsCall,
  { addresses, podMac, mtuBytes, dns }: Omit<Connection, 'pod' | 'nics'> & { readonly mtuBytes: number },
): CniResult {
  const { hostLink, hostMac, podLink } = vethRoutePair(keyOf(call));
  const families = ([4, 6] as const).filter((family) =>
    addresses.some(({ address }) => address.address.family === family),
  );
  return {
    interfaces: [
      { name: hostLink, mac: hostMac, mtu: mtuBytes },
      { name: podLink, mac: podMac, mtu: mtuBytes, sandbox: call.netns },
    ],
    ips: addresses.map(({ address }) => ({
      address: formatCidr(address),
      gateway: formatAddress(linkGateway(address.address.family)),
      interface: 1,
    })),
    routes: families.map((family) => ({
      dst: formatCidr(defaultDestination(family)),
      gw: formatAddress(linkGateway(family)),
    })),
    ...(dns !== undefined && { dns }),
  };
}
