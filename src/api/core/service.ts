// Service: the virtual addresses that the lab's Service proxy serves.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { intOrString, partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const text = z.string().optional();
const trafficPolicy = z.enum(['Cluster', 'Local']).optional();

const servicePortSchema = partOf({
  name: text.describe('Name of the port; required when there are several ports.'),
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
      .describe('Type of the Service: how clients reach it.'),
    selector: z.record(z.string(), z.string()).optional().describe('Labels of the pods that serve it.'),
    ports: z.array(servicePortSchema).optional().describe('Ports of the Service.'),
    clusterIP: text.describe('First cluster address; None for a headless Service.'),
    clusterIPs: z.array(z.string()).optional().describe('Cluster addresses, one for each family.'),
    ipFamilies: z
      .array(z.enum(['IPv4', 'IPv6']))
      .optional()
      .describe('Address families, the main one first.'),
    ipFamilyPolicy: z
      .enum(['SingleStack', 'PreferDualStack', 'RequireDualStack'])
      .optional()
      .describe('Whether the Service has one family or both.'),
    externalTrafficPolicy: trafficPolicy.describe(
      'Policy for traffic from outside: Local keeps its source address and stays on the node.',
    ),
    internalTrafficPolicy: trafficPolicy.describe(
      'Policy for traffic from pods: Local uses only endpoints on the same node.',
    ),
    sessionAffinity: z
      .enum(['None', 'ClientIP'])
      .optional()
      .describe('Whether a client is always sent to the same pod.'),
    sessionAffinityConfig: partOf({
      clientIP: partOf({
        timeoutSeconds: z.int().nullish().describe('How long a client is remembered; 10800 unless set.'),
      })
        .nullish()
        .describe('Settings of ClientIP.'),
    })
      .nullish()
      .describe('Settings of the session affinity.'),
    externalIPs: z
      .array(z.string())
      .nullish()
      .describe('Addresses whose packets come to the nodes in another way.'),
    loadBalancerSourceRanges: z
      .array(z.string())
      .nullish()
      .describe('CIDRs of the clients that the load balancer serves.'),
    healthCheckNodePort: z
      .int()
      .optional()
      .describe('Port on every node that tells a load balancer whether the node has endpoints.'),
    publishNotReadyAddresses: z
      .boolean()
      .optional()
      .describe('Whether pods that are not ready are endpoints too.'),
  })
    .optional()
    .describe('Desired state.'),
  status: partOf({
    loadBalancer: partOf({
      ingress: z
        .array(
          partOf({
            ip: text.describe('Address of the load balancer.'),
            ipMode: text.describe(
              'VIP: nodes may serve the address. Proxy: packets must go to the load balancer.',
            ),
          }),
        )
        .nullish()
        .describe('Where the load balancer is reached.'),
    })
      .nullish()
      .describe('State of the load balancer.'),
  })
    .optional()
    .describe('Addresses that a load balancer assigned.'),
}).describe('Service gives a set of pods one stable address.');

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
