// EndpointSlice: the addresses behind a Service, of one family.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const text = z.string().optional();
const flag = z.boolean().nullish();
const named = partOf({ name: z.string().describe('Name.') });

const endpointSchema = partOf({
  addresses: z.array(z.string()).describe('Addresses of the endpoint; only the first is used.'),
  conditions: partOf({
    ready: flag.describe('Whether the endpoint takes traffic; unknown counts as ready.'),
    serving: flag.describe('Whether the endpoint is ready, also while it terminates.'),
    terminating: flag.describe('Whether the endpoint terminates.'),
  })
    .optional()
    .describe('State of the endpoint.'),
  nodeName: text.describe('Node of the endpoint.'),
  hints: partOf({
    forZones: z.array(named).nullish().describe('Zones whose clients should use it.'),
    forNodes: z.array(named).nullish().describe('Nodes whose clients should use it.'),
  })
    .nullish()
    .describe('Which clients should use the endpoint.'),
  targetRef: partOf({
    kind: text.describe('Kind.'),
    namespace: text.describe('Namespace.'),
    name: text.describe('Name.'),
    uid: text.describe('UID.'),
  })
    .optional()
    .describe('Pod of the endpoint.'),
});

export const endpointSliceSchema = partOf({
  ...typeFields,
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']).describe('Address family of all addresses in the slice.'),
  endpoints: z.array(endpointSchema).nullish().describe('The endpoints.'),
  ports: z
    .array(
      partOf({
        name: text.describe('Name of the Service port.'),
        port: z.int().nullish().describe('Port of the endpoints.'),
        protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional().describe('Protocol; TCP unless set.'),
      }),
    )
    .nullish()
    .describe('Ports of every endpoint in the slice.'),
}).describe('EndpointSlice lists the endpoints of a Service.');

export type EndpointSlice = z.infer<typeof endpointSliceSchema>;
export type Endpoint = z.infer<typeof endpointSchema>;

export const endpointSlices: ResourceType<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  statusSubresource: false,
  schema: endpointSliceSchema,
};
