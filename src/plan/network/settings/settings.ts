// The coordinator's settings for one pod, merged option by option, checked and parsed. The CNI configuration has
// precedence over the pod's annotation, and the annotation over SpiderCoordinator.

import { type CoordinatorConf, INTERFACE_NAME, type SpiderCoordinator } from '#api';
import { OrbError } from '#base';
import { type Address, type Cidr, formatCidr, hostCidr, networkOf, parseAddress, parseCidr } from '#ip';

/** The coordinator's options as a CNI configuration gives them. An absent or empty option takes the cluster's value. */
export type CoordinatorOptions = Partial<Omit<CoordinatorConf, 'type'>>;

/** The sources of settings, the strongest first. */
export interface SettingSources {
  readonly netConf: CoordinatorOptions;
  readonly podAnnotations: Readonly<Record<string, string>>;
  /** The cluster's SpiderCoordinator, if one exists. */
  readonly coordinator: SpiderCoordinator | undefined;
  readonly multusDefaults?: readonly MultusDefault[] | undefined;
}

/** A gateway that the pod asks Multus for, and the NIC that reaches it. */
export interface MultusDefault {
  readonly nic: string;
  readonly gateway: string;
}

/** The parsed settings that the plan needs. */
export interface CoordinatorSettings {
  readonly mode: 'auto' | 'underlay' | 'overlay' | 'disable';
  readonly podDefaultCniNic: string;
  /** If undefined, the default route stays on its NIC. */
  readonly podDefaultRouteNic: string | undefined;
  /**
   * The default routes that Multus adds to main. It deletes all others. Undefined if Multus does not change main. A
   * family without a gateway here has no default route.
   */
  readonly multusDefaults: readonly { readonly nic: string; readonly gateway: Address }[] | undefined;
  /** Networks that the pod reaches through its node, in this order: of overlay pods, of Services, of the user. */
  readonly hijackedNetworks: readonly Cidr[];
  /** The overlay pods' networks among `hijackedNetworks`. */
  readonly overlayNetworks: readonly Cidr[];
  readonly policyRoutes: readonly PolicyRoute[];
  /** Two bytes in lower case: `0a:1b`. */
  readonly podMacPrefix: string | undefined;
  readonly tunePodRoutes: boolean;
  readonly hostRuleTable: number;
  /** If undefined, rp_filter stays as it is. */
  readonly podRpFilter: 0 | 1 | 2 | undefined;
  /** If undefined, the NIC's queue length stays as it is. */
  readonly txQueueLength: number | undefined;
  readonly vethLinkAddress: Address | undefined;
  readonly vethMtuBytes: number;
  /** Whether the node replaces the source of what the pod sends to Services (docs/adr/0044). */
  readonly masqueradesServices: boolean;
}

/** A route that the user wants through the NIC itself. */
export interface PolicyRoute {
  readonly destination: Cidr;
  readonly gateway: Address;
}

/** The pod annotation with the name of the NIC that keeps the default route. */
export const DEFAULT_ROUTE_NIC_ANNOTATION = 'ipam.spidernet.io/default-route-nic';

/**
 * The name in {@link DEFAULT_ROUTE_NIC_ANNOTATION}; undefined without it. The pod may get that NIC later.
 * @throws OrbError INPUT_INVALID if no NIC can have it
 */
export function defaultRouteNicOf(podAnnotations: Readonly<Record<string, string>>): string | undefined {
  const name = podAnnotations[DEFAULT_ROUTE_NIC_ANNOTATION] || undefined;
  if (name === undefined || INTERFACE_NAME.test(name)) return name;
  const subject = `annotation ${DEFAULT_ROUTE_NIC_ANNOTATION}`;
  throw new OrbError('INPUT_INVALID', {
    message: `${subject} is ${JSON.stringify(name.slice(0, 100))}; allowed: the name of an interface`,
    subject,
  });
}

const DEFAULT_HOST_RULE_TABLE = 500;
const DEFAULT_VETH_MTU_BYTES = 1500;

/** One value for each option, merged but not yet parsed. It is plain JSON and part of a NIC's record. */
export interface MergedOptions {
  readonly mode: string;
  readonly podDefaultCniNic: string;
  readonly podDefaultRouteNic: string;
  readonly multusDefaults?: readonly MultusDefault[] | undefined;
  readonly overlayPodCIDR: readonly string[];
  readonly serviceCIDR: readonly string[];
  readonly hijackCIDR: readonly string[];
  readonly policyRoutes: readonly { readonly dst: string; readonly gw: string }[];
  readonly podMACPrefix: string;
  readonly tunePodRoutes: boolean;
  readonly hostRuleTable: number;
  readonly podRPFilter: number;
  readonly txQueueLen: number;
  readonly vethLinkAddress: string;
  readonly vethMTU: number;
  /** Absent in records of older agents. */
  readonly ipMasq?: boolean | undefined;
}

/**
 * Merges and checks the options.
 * @throws OrbError INPUT_INVALID for the first bad value, COORDINATOR_NOT_READY if the cluster's part is needed and
 * missing
 */
export function mergeSettings(sources: SettingSources): CoordinatorSettings {
  return readSettings(mergeOptions(sources));
}

/** @throws OrbError COORDINATOR_NOT_READY if the cluster's part is needed and missing */
export function mergeOptions({
  netConf,
  podAnnotations,
  coordinator,
  multusDefaults,
}: SettingSources): MergedOptions {
  const spec: NonNullable<SpiderCoordinator['spec']> | Record<string, never> = coordinator?.spec ?? {};
  const mode = netConf.mode || spec.mode || 'auto';
  if (readMode(mode) !== 'disable') requireSynced(netConf, coordinator);
  return {
    mode,
    podDefaultCniNic: netConf.podDefaultCniNic || 'eth0',
    podDefaultRouteNic:
      netConf.podDefaultRouteNic || defaultRouteNicOf(podAnnotations) || spec.podDefaultRouteNIC || '',
    ...(multusDefaults !== undefined && { multusDefaults }),
    overlayPodCIDR: chosen(netConf.overlayPodCIDR, coordinator?.status?.overlayPodCIDR),
    serviceCIDR: chosen(netConf.serviceCIDR, coordinator?.status?.serviceCIDR),
    hijackCIDR: chosen(netConf.hijackCIDR, spec.hijackCIDR),
    policyRoutes: chosen(netConf.policyRoutes, spec.policyRoutes),
    podMACPrefix: netConf.podMACPrefix || spec.podMACPrefix || '',
    tunePodRoutes: netConf.tunePodRoutes ?? spec.tunePodRoutes ?? true,
    hostRuleTable: netConf.hostRuleTable || spec.hostRuleTable || DEFAULT_HOST_RULE_TABLE,
    podRPFilter: netConf.podRPFilter ?? Math.max(spec.podRPFilter ?? 0, -1),
    txQueueLen: netConf.txQueueLen ?? spec.txQueueLen ?? 0,
    vethLinkAddress: netConf.vethLinkAddress || spec.vethLinkAddress || '',
    vethMTU: netConf.vethMTU ?? (spec.vethMTU || DEFAULT_VETH_MTU_BYTES),
    ...(netConf.ipMasq === true && { ipMasq: true }),
  };
}

/**
 * The cluster's table of routes to pods.
 * @throws OrbError INPUT_INVALID if the number is one of the kernel's own tables
 */
export function clusterHostRuleTable(coordinator: SpiderCoordinator | undefined): number {
  return readTable(coordinator?.spec?.hostRuleTable || DEFAULT_HOST_RULE_TABLE);
}

/**
 * Parses merged options.
 * @throws OrbError INPUT_INVALID for the first bad value
 */
export function readSettings(options: MergedOptions): CoordinatorSettings {
  const { overlayPodCIDR, serviceCIDR, hijackCIDR } = options;
  return {
    mode: readMode(options.mode),
    podDefaultCniNic: options.podDefaultCniNic,
    podDefaultRouteNic: options.podDefaultRouteNic || undefined,
    multusDefaults: options.multusDefaults?.map(({ nic, gateway }) => ({
      nic,
      gateway: readAddress('default-route', gateway),
    })),
    hijackedNetworks: distinct(
      Object.entries({ overlayPodCIDR, serviceCIDR, hijackCIDR }).flatMap(([field, list]) =>
        list.map((text) => readNetwork(field, text)),
      ),
    ),
    overlayNetworks: distinct(overlayPodCIDR.map((text) => readNetwork('overlayPodCIDR', text))),
    policyRoutes: options.policyRoutes.map(readPolicyRoute),
    podMacPrefix: readMacPrefix(options.podMACPrefix),
    tunePodRoutes: options.tunePodRoutes,
    hostRuleTable: readTable(options.hostRuleTable),
    podRpFilter: readRpFilter(options.podRPFilter),
    txQueueLength: readCount('txQueueLen', options.txQueueLen, 0, 2 ** 31 - 1) || undefined,
    vethLinkAddress: readLinkAddress(options.vethLinkAddress),
    // The smallest MTU of IPv4 (RFC 791) and of a veth is 68. The largest of a veth is 65535.
    vethMtuBytes: readCount('vethMTU', options.vethMTU, 68, 65_535),
    masqueradesServices: options.ipMasq === true,
  };
}

/** A generated NetworkAttachmentDefinition contains empty lists, so an empty list also takes the cluster's value. */
function chosen<T>(own: readonly T[] | undefined, cluster: readonly T[] | undefined): readonly T[] {
  return own !== undefined && own.length > 0 ? own : (cluster ?? []);
}

/** Without the cluster's networks a pod would start and reach no Service. ADD fails instead, and is tried again. */
function requireSynced(netConf: CoordinatorOptions, coordinator: SpiderCoordinator | undefined): void {
  if (netConf.overlayPodCIDR?.length && netConf.serviceCIDR?.length) return;
  if (coordinator === undefined) {
    throw new OrbError('COORDINATOR_NOT_READY', {
      message: 'coordinator config not found: the cluster has no SpiderCoordinator',
      subject: 'SpiderCoordinator',
    });
  }
  if (coordinator.status?.phase === 'Synced') return;
  const name = coordinator.metadata?.name ?? '';
  throw new OrbError('COORDINATOR_NOT_READY', {
    // Spiderpool's text, including "no ready".
    message: `spidercoordinator: ${name} no ready`,
    subject: `SpiderCoordinator ${name}`,
    said: coordinator.status?.reason || `status.phase is '${coordinator.status?.phase ?? ''}', not 'Synced'`,
  });
}

function invalid(field: string, value: unknown, allowed: string, cause?: unknown): OrbError {
  const shown = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
  return new OrbError('INPUT_INVALID', {
    message: `${field} ${shown} is invalid; allowed: ${allowed}`,
    subject: `coordinator option ${field}`,
    cause,
  });
}

function readMode(text: string): CoordinatorSettings['mode'] {
  switch (text) {
    case 'auto':
    case 'underlay':
    case 'overlay':
    case 'disable':
      return text;
    // Spiderpool's CRD and chart say "disabled", but its plugin accepts only "disable".
    case 'disabled':
      return 'disable';
    default:
      throw invalid('mode', text, 'auto, underlay, overlay, disable');
  }
}

/** Reads a network. A single address is a network with one address. */
function readNetwork(field: string, text: string): Cidr {
  const trimmed = text.trim();
  try {
    return trimmed.includes('/') ? networkOf(parseCidr(trimmed)) : hostCidr(parseAddress(trimmed));
  } catch (cause) {
    throw invalid(field, text, "a CIDR such as '10.96.0.0/12' or an IP address", cause);
  }
}

function distinct(networks: readonly Cidr[]): Cidr[] {
  return [...new Map(networks.map((network) => [formatCidr(network), network])).values()];
}

function readPolicyRoute(route: { readonly dst: string; readonly gw: string }): PolicyRoute {
  const destination = readNetwork('policyRoutes.dst', route.dst);
  const gateway = readAddress('policyRoutes.gw', route.gw);
  if (destination.address.family !== gateway.family) {
    throw invalid('policyRoutes', route, 'dst and gw of the same IP family');
  }
  return { destination, gateway };
}

function readAddress(field: string, text: string): Address {
  try {
    return parseAddress(text.trim());
  } catch (cause) {
    throw invalid(field, text, 'an IP address', cause);
  }
}

function readMacPrefix(text: string): string | undefined {
  if (text === '') return undefined;
  // The low bit of the first byte marks a multicast address (IEEE 802). A NIC must not have one.
  if (!/^[0-9a-f][02468ace]:[0-9a-f]{2}$/i.test(text)) {
    throw invalid('podMACPrefix', text, "two bytes of a unicast MAC address such as '0a:1b'");
  }
  return text.toLowerCase();
}

function readTable(table: number): number {
  const reserved = table >= 253 && table <= 255;
  if (reserved)
    throw invalid('hostRuleTable', table, 'a table that is not default, main or local (253 to 255)');
  return readCount('hostRuleTable', table, 1, 2 ** 32 - 1);
}

function readRpFilter(value: number): 0 | 1 | 2 | undefined {
  if (value === -1) return undefined;
  if (value === 0 || value === 1 || value === 2) return value;
  throw invalid('podRPFilter', value, '-1 (leave alone), 0 (off), 1 (strict), 2 (loose)');
}

function readCount(field: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(field, value, `a whole number of ${least} to ${most}`);
}

function readLinkAddress(text: string): Address | undefined {
  if (text === '') return undefined;
  const address = readAddress('vethLinkAddress', text);
  if (address.family !== 4) throw invalid('vethLinkAddress', text, 'an IPv4 address');
  return address;
}
