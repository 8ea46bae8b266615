// Service: the virtual addresses that the lab's Service proxy serves.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { intOrString, partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const text = z.string().optional();
const trafficPolicy = z.enum(['Cluster', 'Local']).optional();

const servicePortSchema = partOf({
  name: text.describe('Name; needed when there are several.'),
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional().describe('Protocol; TCP unless set.'),
  port: z.int().min(1).max(65_535).describe('Port of the Service.'),
  targetPort: intOrString().optional().describe('Port of the pods, by number or name; port unless set.'),
  nodePort: z.int().min(0).max(65_535).optional().describe('Port on every node.'),
  appProtocol: text.describe('Application protocol.'),
});

export const serviceSchema = partOf({
  ...typeFields,
  spec: partOf({
    type: z
      .enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'])
      .optional()
      .describe('How it is reached.'),
    selector: z.record(z.string(), z.string()).optional().describe('Labels of the pods that serve it.'),
    ports: z.array(servicePortSchema).optional().describe('Ports of the Service.'),
    clusterIP: text.describe('First virtual address; None for a headless Service.'),
    clusterIPs: z.array(z.string()).optional().describe('Virtual addresses, one for each family.'),
    ipFamilies: z
      .array(z.enum(['IPv4', 'IPv6']))
      .optional()
      .describe('Families, the first one first.'),
    ipFamilyPolicy: z
      .enum(['SingleStack', 'PreferDualStack', 'RequireDualStack'])
      .optional()
      .describe('One family or both.'),
    externalTrafficPolicy: trafficPolicy.describe(
      'Local keeps the source of outside traffic and stays on the node.',
    ),
    internalTrafficPolicy: trafficPolicy.describe(
      'Local sends traffic of pods to pods of the same node only.',
    ),
    sessionAffinity: z.enum(['None', 'ClientIP']).optional().describe('Whether a client keeps its pod.'),
    publishNotReadyAddresses: z.boolean().optional().describe('Whether pods that are not ready serve too.'),
  })
    .optional()
    .describe('What the Service offers.'),
  status: partOf({}).optional().describe('What a load balancer gave.'),
}).describe('Service is a stable address for a set of pods.');

export type Service = z.infer<typeof serviceSchema>;
export type ServicePort = z.infer<typeof servicePortSchema>;

export const services: ResourceType<Service> = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
  statusSubresource: true,
  shortNames: ['svc'],
  categories: ['all'],
  schema: serviceSchema,
};
