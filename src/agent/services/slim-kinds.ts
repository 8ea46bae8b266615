// Services and EndpointSlices, reduced to what decides where a connection goes: each agent of a cluster keeps all of them.

import { type EndpointSlice, type KubeObject, type ResourceType, resources, type Service } from '#api';

/** Which Service a slice belongs to, and whether another proxy serves it. */
const usedLabels = ['kubernetes.io/service-name', 'service.kubernetes.io/service-proxy-name'];

function slimMetadata({ metadata }: KubeObject): KubeObject['metadata'] {
  const { name, namespace, uid, resourceVersion } = metadata;
  const labels = Object.entries(metadata.labels ?? {}).filter(([label]) => usedLabels.includes(label));
  return {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) }),
  };
}

function slimService(service: Service): Service {
  const { spec, status } = service;
  const { selector: _, ...kept } = spec ?? {};
  const metadata = slimMetadata(service);
  return { metadata, ...(spec && { spec: kept }), ...(status && { status }) };
}

/** Nearly all endpoints have these, so there is one object for all. */
const usual = { ready: true, serving: true, terminating: false };

const isUsual = ({ ready, serving, terminating }: Partial<Readonly<Record<string, unknown>>>) =>
  ready === usual.ready && serving === usual.serving && terminating === usual.terminating;

function slimSlice(slice: EndpointSlice): EndpointSlice {
  const { addressType, ports, endpoints } = slice;
  return {
    metadata: slimMetadata(slice),
    ...{ addressType, ports },
    endpoints: (endpoints ?? []).map(({ addresses, conditions, nodeName, hints }) => ({
      addresses: addresses.slice(0, 1),
      ...(conditions && { conditions: isUsual(conditions) ? usual : conditions }),
      ...(nodeName !== undefined && { nodeName }),
      ...(hints && { hints }),
    })),
  };
}

function slim<T extends KubeObject>(type: ResourceType<T>, reduce: (object: T) => T): ResourceType<T> {
  return { ...type, schema: type.schema.transform(reduce) as unknown as ResourceType<T>['schema'] };
}

export const slimServices = slim(resources.services, slimService);
export const slimEndpointSlices = slim(resources.endpointSlices, slimSlice);
