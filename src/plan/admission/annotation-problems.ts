// What is wrong with annotations of pods and namespaces. The agent says the same when it is too late to change them.

import {
  DEFAULT_NETWORK_ANNOTATION,
  type Namespace,
  NETWORKS_ANNOTATION,
  type Pod,
  parseDefaultNetwork,
  parseNetworks,
  requestsOf,
} from '#api';
import { didYouMean, errorText, isOrbError, type OrbError } from '#base';
import { readIPPool, readIPPools, readIps, readNamespacePools, readRoutes } from '#plan/ipam';
import { defaultRouteNicOf } from '#plan/network';
import { askedGroups } from '#plan/openstack';
import { checkServiceMode } from '#plan/service';
import { readSubnetRequest, topController } from '#plan/subnet';

export interface AnnotationProblems {
  /** The agent will refuse these values. */
  readonly wrong: readonly string[];
  /** Annotations of our groups that nothing reads. Perhaps another program does. */
  readonly unknown: readonly string[];
}

const PREFIX = 'ipam.spidernet.io/';
const OWN_PREFIX = 'ipam.orbweaver.io/';

const ofPods = [
  ...['subnet', 'subnets', 'ippool-ip-number', 'ippool-reclaim', 'ippools', 'ippool', 'routes'].map(
    (name) => PREFIX + name,
  ),
  ...[`${PREFIX}default-route-nic`, `${PREFIX}dns`, `${OWN_PREFIX}ips`],
];
const ofNamespaces = [`${PREFIX}default-ipv4-ippool`, `${PREFIX}default-ipv6-ippool`];

/** `namespace` is the pod's: an object that is created may not name it. */
export function podAnnotationProblems({ metadata }: Pod, namespace: string): AnnotationProblems {
  const { annotations = {} } = metadata;
  const networks = annotations[NETWORKS_ANNOTATION];
  const defaultNetwork = annotations[DEFAULT_NETWORK_ANNOTATION];
  return {
    wrong: [
      () => readIPPool(annotations),
      () => readIPPools(annotations),
      () => readIps(annotations),
      () => readRoutes(annotations),
      () => askedGroups(annotations),
      () => checkServiceMode(annotations),
      () => defaultRouteNicOf(annotations),
      () => readSubnetRequest(annotations, applicationOf({ metadata }, namespace), 0),
      () => networks && parseNetworks(networks, namespace).map(requestsOf),
      () => defaultNetwork && parseDefaultNetwork(defaultNetwork, namespace),
    ].flatMap(refusal),
    unknown: unknownTexts(annotations, ofPods),
  };
}

/** A workload whose pods have the annotations of its template. */
export interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The same for the pods that a workload will make: their author sees no warning about them later. */
export function templateAnnotationProblems(
  annotations: Readonly<Record<string, string>>,
  { apiVersion, kind, namespace, name }: Workload,
): AnnotationProblems {
  const owner = { apiVersion, kind, name, uid: '', controller: true };
  return podAnnotationProblems(
    { metadata: { annotations: { ...annotations }, ownerReferences: [owner] } },
    namespace,
  );
}

export function namespaceAnnotationProblems({ metadata }: Namespace): AnnotationProblems {
  const { annotations = {} } = metadata;
  return {
    wrong: refusal(() => readNamespacePools(annotations)),
    unknown: unknownTexts(annotations, ofNamespaces),
  };
}

/** Who asks for automatic pools. A ReplicaSet stands for its Deployment: both may have pools. */
function applicationOf(pod: Pick<Pod, 'metadata'>, namespace: string) {
  const [owner] = pod.metadata.ownerReferences ?? [];
  const { apiVersion = 'v1', kind = 'Pod', name = '' } = owner ?? {};
  return topController(pod as Pod, () => undefined) ?? { apiVersion, kind, name, namespace };
}

function refusal(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return [namedText(error)];
    throw error;
  }
}

/** The text with the annotation. The agent says it as the subject of its error. */
function namedText(error: OrbError): string {
  const text = errorText(error);
  const name = ofPods.find((key) => error.subject?.endsWith(key));
  return name === undefined || text.includes(name) ? text : `annotation ${name}: ${text}`;
}

function unknownTexts(annotations: Readonly<Record<string, string>>, known: readonly string[]): string[] {
  return Object.keys(annotations)
    .filter((key) => (key.startsWith(PREFIX) || key.startsWith(OWN_PREFIX)) && !known.includes(key))
    .map((key) => `nothing reads the annotation ${key} here${didYouMean(key, known)}`);
}
