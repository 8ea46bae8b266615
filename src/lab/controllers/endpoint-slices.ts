// EndpointSlices of Services: the addresses of the pods that a selector matches, one slice for each family and set of ports.

import {
  apiVersionOf,
  type Endpoint,
  type EndpointSlice,
  type Pod,
  resources,
  type Service,
  type ServicePort,
  serviceSelects,
} from '#api';
import { keyOf } from '#kube';
import { type Action, BY_NAMESPACE, canonical, splitKey } from '#reconcile';
import type { LabController } from './cluster-state.ts';
import { isFinished, isReady, isTerminating } from './pod-state.ts';

const type = resources.endpointSlices;
const SERVICE_LABEL = 'kubernetes.io/service-name';
const MANAGER_LABEL = 'endpointslice.kubernetes.io/managed-by';
/** The name of the part of kube-controller-manager that this code replaces. */
const MANAGER = 'endpointslice-controller.k8s.io';

type AddressType = 'IPv4' | 'IPv6';
type Ports = NonNullable<EndpointSlice['ports']>;

/** A port of the pod; undefined if no container has a port of that name. */
function targetOf(port: ServicePort, pod: Pod): number | undefined {
  const { targetPort = port.port, protocol = 'TCP' } = port;
  if (typeof targetPort === 'number') return targetPort === 0 ? port.port : targetPort;
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find((one) => one.name === targetPort && (one.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** The Service's ports as this pod serves them. */
function portsOf({ spec }: Service, pod: Pod): Ports {
  return (spec?.ports ?? []).flatMap((port) => {
    const number = targetOf(port, pod);
    const { name = '', protocol = 'TCP' } = port;
    return number === undefined ? [] : [{ name, port: number, protocol }];
  });
}

function addressOf({ status }: Pod, family: AddressType): string | undefined {
  const known = status?.podIPs ?? (status?.podIP === undefined ? [] : [{ ip: status.podIP }]);
  return known.map(({ ip }) => ip).find((ip) => ip.includes(':') === (family === 'IPv6'));
}

/** A terminating pod gets no new traffic, but it is distinguished from a pod that fails. */
function endpointOf({ spec }: Service, pod: Pod, address: string): Endpoint {
  const { name, namespace, uid } = pod.metadata;
  const serving = spec?.publishNotReadyAddresses === true || isReady(pod);
  return {
    addresses: [address],
    conditions: { ready: serving && !isTerminating(pod), serving, terminating: isTerminating(pod) },
    ...(pod.spec?.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', name, namespace, uid },
  };
}

/** The wanted slices, by name. */
export function desiredSlices(service: Service, pods: readonly Pod[]): Map<string, EndpointSlice> {
  const slices = new Map<string, EndpointSlice>();
  for (const family of service.spec?.ipFamilies ?? (['IPv4'] as const)) {
    const groups = Map.groupBy(
      pods.filter((pod) => !isFinished(pod) && addressOf(pod, family) !== undefined),
      (pod) => canonical(portsOf(service, pod)),
    );
    [...groups.keys()].toSorted().forEach((ports, index) => {
      const suffix = index === 0 ? '' : `-${index + 1}`;
      const name = `${service.metadata.name}-${family.toLowerCase()}${suffix}`;
      const endpoints = (groups.get(ports) ?? [])
        .map((pod) => endpointOf(service, pod, addressOf(pod, family) ?? ''))
        .toSorted((a, b) => ((a.addresses[0] ?? '') < (b.addresses[0] ?? '') ? -1 : 1));
      slices.set(
        name,
        sliceOf(service, name, { addressType: family, endpoints, ports: JSON.parse(ports) as Ports }),
      );
    });
  }
  return slices;
}

function sliceOf(
  service: Service,
  name: string,
  content: Pick<EndpointSlice, 'addressType' | 'endpoints' | 'ports'>,
): EndpointSlice {
  const { name: serviceName = '', namespace, uid = '' } = service.metadata;
  const owner = {
    apiVersion: apiVersionOf(resources.services),
    kind: 'Service',
    name: serviceName,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  const labels = { [SERVICE_LABEL]: serviceName, [MANAGER_LABEL]: MANAGER };
  return { metadata: { name, namespace, labels, ownerReferences: [owner] }, ...content };
}

function reconcile(desired: Map<string, EndpointSlice>, present: readonly EndpointSlice[]): Action[] {
  const actions: Action[] = [];
  const known = new Map(present.map((slice) => [slice.metadata.name ?? '', slice]));
  for (const [name, wanted] of desired) {
    const before = known.get(name);
    if (before === undefined) actions.push({ verb: 'create', type, object: wanted });
    else if (contentOf(before) !== contentOf(wanted)) {
      const body = { endpoints: wanted.endpoints, ports: wanted.ports };
      actions.push({ verb: 'patch', type, object: before, body });
    }
  }
  const surplus = present.filter(({ metadata }) => !desired.has(metadata.name ?? ''));
  return [...actions, ...surplus.map((object): Action => ({ verb: 'delete', type, object }))];
}

function contentOf({ endpoints, ports }: EndpointSlice): string {
  return canonical({ endpoints: endpoints ?? [], ports: ports ?? [] });
}

export const endpointSliceController: LabController = {
  name: 'endpointslice',
  concerns: (kind, object, state) => {
    const { namespace, name, labels } = object.metadata;
    if (kind === 'services') return [`${namespace}/${name}`];
    if (kind === 'endpointSlices') {
      return labels?.[MANAGER_LABEL] === MANAGER ? [`${namespace}/${labels[SERVICE_LABEL]}`] : [];
    }
    if (kind !== 'pods') return [];
    const services = state.services.by(BY_NAMESPACE, namespace ?? '');
    const chosen = services.filter((service) => serviceSelects(service, object as Pod));
    return chosen.map(keyOf);
  },
  plan: (key, state) => {
    const { namespace, name } = splitKey(key);
    const service = state.services.get(name, namespace);
    const present = state.endpointSlices
      .by(BY_NAMESPACE, namespace)
      .filter(
        ({ metadata: { labels } }) => labels?.[SERVICE_LABEL] === name && labels[MANAGER_LABEL] === MANAGER,
      );
    if (service === undefined || service.spec?.selector === undefined) return reconcile(new Map(), present);
    const pods = state.pods.by(BY_NAMESPACE, namespace).filter((pod) => serviceSelects(service, pod));
    return reconcile(desiredSlices(service, pods), present);
  },
};
