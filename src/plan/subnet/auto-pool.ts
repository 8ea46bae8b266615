// An automatic pool as an object of the API: labels, annotations, owner and spec as Spiderpool writes them.

import {
  SPIDERPOOL_FINALIZER,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
  type SpiderIPPool,
  type SpiderSubnet,
} from '#api';
import { cidrLabel, networkOf, parseCidr } from '#ip';
import { POOL_CIDR_LABEL, PROVIDER_ANNOTATION } from '#plan/ipam';
import { NETWORK_ANNOTATION } from '#plan/openstack';
import { type Application, type ApplicationName, applicationKey } from './application.ts';
import { labelValue } from './pool-name.ts';
import {
  IP_NUMBER_ANNOTATION,
  numberText,
  type PoolWish,
  RECLAIM_ANNOTATION,
  type SubnetRequest,
} from './subnet-request.ts';

const PREFIX = 'ipam.spidernet.io/';
export const OWNER_SUBNET_LABEL = `${PREFIX}owner-spider-subnet`;
const GROUP_VERSION_LABEL = `${PREFIX}owner-application-gv`;
const KIND_LABEL = `${PREFIX}owner-application-kind`;
const NAMESPACE_LABEL = `${PREFIX}owner-application-namespace`;
const NAME_LABEL = `${PREFIX}owner-application-name`;
const UID_LABEL = `${PREFIX}owner-application-uid`;
const NIC_LABEL = `${PREFIX}interface`;
const FAMILY_LABEL = `${PREFIX}ip-version`;

/** Which revision of its booking the pool has. The booking is in the status of the subnet. */
const REVISION_ANNOTATION = 'ipam.orbweaver.io/booking-revision';

/** The gateway and the routes that a pool takes from its subnet. */
export type Inherited = Pick<NonNullable<SpiderSubnet['spec']>, 'gateway' | 'routes'>;

/** Whether the pool was made for an application. */
export function isAutomatic({ metadata }: SpiderIPPool): boolean {
  return metadata.labels?.[NAME_LABEL] !== undefined;
}

/** Whether the pool was made for an application of this kind and name, in this life or an earlier one. */
export function isPoolOf(pool: SpiderIPPool, application: ApplicationName): boolean {
  const labels = pool.metadata.labels ?? {};
  return Object.entries(nameLabels(application)).every(([key, value]) => labels[key] === value);
}

export function serves(pool: SpiderIPPool, { nic, family, subnet }: PoolWish): boolean {
  const labels = pool.metadata.labels ?? {};
  return (
    labels[NIC_LABEL] === labelValue(nic) &&
    labels[FAMILY_LABEL] === `IPv${family}` &&
    labels[OWNER_SUBNET_LABEL] === labelValue(subnet)
  );
}

/** The UID of the application that the pool serves now. */
export function ownerUid({ metadata }: SpiderIPPool): string | undefined {
  return metadata.labels?.[UID_LABEL];
}

/** Whether the pool goes with its application. Users may change the label of a kept pool. */
export function isReclaimed({ metadata }: SpiderIPPool): boolean {
  return metadata.labels?.[RECLAIM_ANNOTATION] !== 'false';
}

/** The revision of the booking that the pool's addresses have. 0 before the first. */
export function revisionOf({ metadata }: SpiderIPPool): number {
  const text = metadata.annotations?.[REVISION_ANNOTATION] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** A new pool without addresses. It gets them when the subnet has booked them for it, by its UID. */
export function newPool(
  name: string,
  application: Application,
  wish: PoolWish,
  request: SubnetRequest,
  subnet: SpiderSubnet,
): SpiderIPPool {
  const cidr = networkOf(parseCidr(subnet.spec?.subnet ?? ''));
  return {
    apiVersion: `${SPIDERPOOL_GROUP}/${SPIDERPOOL_VERSION}`,
    kind: 'SpiderIPPool',
    metadata: {
      name,
      labels: {
        ...nameLabels(application),
        ...lifeLabels(application, request),
        [OWNER_SUBNET_LABEL]: labelValue(wish.subnet),
        [NIC_LABEL]: labelValue(wish.nic),
        [FAMILY_LABEL]: `IPv${wish.family}`,
        [POOL_CIDR_LABEL]: cidrLabel(cidr),
      },
      annotations: { ...inheritedAnnotations(subnet), [IP_NUMBER_ANNOTATION]: numberText(request) },
      finalizers: [SPIDERPOOL_FINALIZER],
      ownerReferences: [ownerReference(subnet)],
    },
    spec: {
      ipVersion: wish.family,
      subnet: subnet.spec?.subnet ?? '',
      ips: [],
      ...inherited(subnet),
      podAffinity: { matchLabels: applicationAffinity(application) },
      default: false,
      disable: false,
    },
  };
}

/**
 * The pool with the addresses of the revision, and with what its application and its subnet say now. Labels and
 * annotations of others stay.
 */
export function renewedPool(
  pool: SpiderIPPool,
  { application, request, subnet, ips, revision }: Renewal,
): SpiderIPPool {
  const { metadata } = pool;
  const {
    gateway: _gateway,
    routes: _routes,
    excludeIPs: _excluded,
    ...spec
  } = pool.spec as NonNullable<SpiderIPPool['spec']>;
  return {
    ...pool,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...lifeLabels(application, request) },
      annotations: {
        ...metadata.annotations,
        ...inheritedAnnotations(subnet),
        [IP_NUMBER_ANNOTATION]: numberText(request),
        [REVISION_ANNOTATION]: String(revision),
      },
    },
    spec: { ...spec, ips: [...ips], ...inherited(subnet) },
  };
}

/** What of a pool follows its application, its subnet and its booking. */
export interface Renewal {
  readonly application: Application;
  readonly request: SubnetRequest;
  readonly subnet: SpiderSubnet;
  /** The ranges of the booking, merged. */
  readonly ips: readonly string[];
  readonly revision: number;
}

/** Whether {@link renewedPool} would change nothing. */
export function isRenewed(pool: SpiderIPPool, renewal: Renewal): boolean {
  const { metadata, spec } = renewedPool(pool, renewal);
  const same = (a: object | undefined, b: object | undefined) => sortedText(a) === sortedText(b);
  return (
    same(metadata.labels, pool.metadata.labels) &&
    same(metadata.annotations, pool.metadata.annotations) &&
    same(spec, pool.spec)
  );
}

/** The controller owner that makes the pool go with its subnet. */
export function ownerReference({ metadata }: SpiderSubnet) {
  return {
    apiVersion: `${SPIDERPOOL_GROUP}/${SPIDERPOOL_VERSION}`,
    kind: 'SpiderSubnet',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** `spec.podAffinity.matchLabels` of the pools of an application. Pods have no such labels: their application does. */
export function applicationAffinity({
  apiVersion,
  kind,
  namespace,
  name,
}: ApplicationName): Record<string, string> {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return {
    [`${PREFIX}app-api-group`]: group,
    [`${PREFIX}app-api-version`]: version,
    [`${PREFIX}app-kind`]: kind,
    [`${PREFIX}app-namespace`]: namespace,
    [`${PREFIX}app-name`]: labelValue(name),
  };
}

/**
 * The labels of a pod, with those of its application if it is known. The pod's own labels never stand for an application:
 * any pod could have them.
 */
export function labelsWithApplication(
  labels: Readonly<Record<string, string>>,
  application: ApplicationName | undefined,
): Record<string, string> {
  const own = Object.entries(labels).filter(([key]) => !key.startsWith(`${PREFIX}app-`));
  return { ...Object.fromEntries(own), ...(application !== undefined && applicationAffinity(application)) };
}

/** The application that the pool was made for. Of a name that is no label, `name` is the label. */
export function ownerApplication({ metadata }: SpiderIPPool): Application | undefined {
  const labels = metadata.labels ?? {};
  const name = labels[NAME_LABEL];
  if (name === undefined) return undefined;
  return {
    apiVersion: (labels[GROUP_VERSION_LABEL] ?? '').replace('_', '/'),
    kind: labels[KIND_LABEL] ?? '',
    namespace: labels[NAMESPACE_LABEL] ?? '',
    name,
    uid: labels[UID_LABEL] ?? '',
  };
}

/** The interface that an automatic pool serves. Of a name that is no label, it is the label. */
export function nicOf({ metadata }: SpiderIPPool): string | undefined {
  return metadata.labels?.[NIC_LABEL];
}

/** Whether the pool was made from a subnet of this name. */
export function isOfSubnet({ metadata }: SpiderIPPool, subnet: string): boolean {
  return metadata.labels?.[OWNER_SUBNET_LABEL] === labelValue(subnet);
}

/** How the status of a subnet names the application of the pool. The label may have a part of a long name only. */
export function applicationOf(pool: SpiderIPPool): string {
  const labels = pool.metadata.labels ?? {};
  return applicationKey({
    apiVersion: (labels[GROUP_VERSION_LABEL] ?? '').replace('_', '/'),
    kind: labels[KIND_LABEL] ?? '',
    namespace: labels[NAMESPACE_LABEL] ?? '',
    name: labels[NAME_LABEL] ?? '',
  });
}

function nameLabels({ apiVersion, kind, namespace, name }: ApplicationName): Record<string, string> {
  return {
    [GROUP_VERSION_LABEL]: apiVersion.replace('/', '_'),
    [KIND_LABEL]: kind,
    [NAMESPACE_LABEL]: namespace,
    [NAME_LABEL]: labelValue(name),
  };
}

/** What changes when an application is made anew, or changes its annotations. */
function lifeLabels({ uid }: Application, { reclaim }: SubnetRequest): Record<string, string> {
  return { [UID_LABEL]: uid, [RECLAIM_ANNOTATION]: String(reclaim) };
}

/** Who makes the addresses of a pool ready, as its subnet says. */
export function inheritedAnnotations({ metadata }: SpiderSubnet): Record<string, string> {
  const all = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([key]) => key === PROVIDER_ANNOTATION || key === NETWORK_ANNOTATION));
}

/** What the spec of a pool takes from its subnet. */
export function inherited({ spec }: SpiderSubnet): Inherited {
  return {
    ...(spec?.gateway !== undefined && { gateway: spec.gateway }),
    ...(spec?.routes !== undefined && { routes: spec.routes }),
  };
}

/** The value with the fields of its objects in one order, as servers may return them in another. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
