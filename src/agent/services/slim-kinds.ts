// Services and EndpointSlices, reduced to what decides where a connection goes: each agent of a cluster keeps all of them.

import { type EndpointSlice, type KubeObject, type ResourceType, resources, type Service } from '#api';

function slimMetadata({ metadata }: KubeObject): KubeObject['metadata'] {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  return {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(labels !== undefined && { labels }),
  };
}

function slimService(service: Service): Service {
  const { spec, status } = service;
  const { selector: _, ...kept } = spec ?? {};
  const metadata = slimMetadata(service);
  return { metadata, ...(spec && { spec: kept }), ...(status && { status }) };
}

function slimSlice(slice: EndpointSlice): EndpointSlice {
  const { addressType, ports, endpoints } = slice;
  return {
    metadata: slimMetadata(slice),
    ...{ addressType, ports },
    endpoints: (endpoints ?? []).map(({ addresses, conditions, nodeName, hints }) => ({
      addresses: addresses.slice(0, 1),
      ...(conditions && { conditions }),
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
