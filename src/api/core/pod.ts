// Pod: the fields that we read to attach it, and the fields that the lab writes to run it.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';

const text = z.string().optional();

const containerPortSchema = partOf({
  name: text.describe('Name of the port, which a Service can refer to.'),
  containerPort: z.int().min(1).max(65_535).describe('Port inside the pod.'),
  hostPort: z.int().min(0).max(65_535).optional().describe('Port on the node.'),
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional().describe('Protocol; TCP unless set.'),
});

const containerSchema = partOf({
  name: z.string().describe('Name, unique in the pod.'),
  image: text.describe('Image to run.'),
  imagePullPolicy: text.describe('When the image is pulled.'),
  command: z.array(z.string()).optional().describe('Command that replaces the entry point of the image.'),
  args: z.array(z.string()).optional().describe('Arguments.'),
  ports: z.array(containerPortSchema).optional().describe('Ports on which the container listens.'),
});

/** PodSpec. Workloads embed it too. */
export const podSpecSchema = partOf({
  nodeName: text.describe('Node of the pod.'),
  nodeSelector: z.record(z.string(), z.string()).optional().describe('Labels that the node must have.'),
  hostNetwork: z.boolean().optional().describe('Whether the pod uses the network of its node.'),
  containers: z.array(containerSchema).describe('Containers of the pod.'),
  initContainers: z
    .array(containerSchema)
    .optional()
    .describe('Containers that run to their end before the other containers start.'),
  restartPolicy: z
    .enum(['Always', 'OnFailure', 'Never'])
    .optional()
    .describe('When containers are restarted.'),
  terminationGracePeriodSeconds: z
    .int()
    .optional()
    .describe('Seconds between the request to terminate and the kill.'),
  subdomain: text.describe('Service that governs the pods of a StatefulSet.'),
  hostname: text.describe('Host name inside the pod.'),
  serviceAccountName: text.describe('ServiceAccount of the pod.'),
});

const containerStatusSchema = partOf({
  name: z.string().describe('Name of the container.'),
  ready: z.boolean().describe('Whether the container passes its readiness probe.'),
  restartCount: z.int().describe('How often the container was restarted.'),
  started: z.boolean().optional().describe('Whether the container has started.'),
  image: z.string().describe('Image of the container.'),
  imageID: z.string().describe('Id of the image.'),
  containerID: text.describe('Id of the container.'),
  state: partOf({
    waiting: partOf({ reason: text.describe('Why.'), message: text.describe('Details.') })
      .optional()
      .describe('The container waits for its start.'),
    running: partOf({ startedAt: text.describe('Since when.') })
      .optional()
      .describe('It runs.'),
    terminated: partOf({
      exitCode: z.int().describe('Exit status.'),
      reason: text.describe('Why.'),
      startedAt: text.describe('Start.'),
      finishedAt: text.describe('End.'),
    })
      .optional()
      .describe('It ended.'),
  })
    .optional()
    .describe('Current state of the container.'),
});

const statusSchema = partOf({
  phase: z
    .enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'])
    .optional()
    .describe('Phase of the pod.'),
  conditions: conditionsField,
  reason: text.describe('Reason in one word.'),
  message: text.describe('Reason as a sentence for people.'),
  hostIP: text.describe('First address of the node.'),
  hostIPs: z
    .array(partOf({ ip: z.string().describe('An address.') }))
    .optional()
    .describe('Addresses of the node.'),
  podIP: text.describe('First address of the pod.'),
  podIPs: z
    .array(partOf({ ip: z.string().describe('An address.') }))
    .optional()
    .describe('Addresses of the pod, one for each family.'),
  startTime: text.describe('When the kubelet accepted the pod.'),
  containerStatuses: z.array(containerStatusSchema).optional().describe('State of each container.'),
});

export const podSchema = partOf({
  ...typeFields,
  spec: podSpecSchema.optional().describe('Desired state.'),
  status: statusSchema.optional().describe('What runs.'),
}).describe('Pod is a group of containers with one network.');

export type Pod = z.infer<typeof podSchema>;
export type PodSpec = z.infer<typeof podSpecSchema>;
export type PodStatus = z.infer<typeof statusSchema>;
export type ContainerStatus = z.infer<typeof containerStatusSchema>;

export const pods: ResourceType<Pod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
  statusSubresource: true,
  shortNames: ['po'],
  categories: ['all'],
  schema: podSchema,
};
