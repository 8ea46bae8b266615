// Webhook configurations: which writes the API server asks a webhook about (admissionregistration.k8s.io/v1).

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { openObject, partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const serviceSchema = openObject({
  namespace: z.string().describe('Namespace of the Service.'),
  name: z.string().describe('Name of the Service.'),
});

const clientConfigSchema = openObject({
  service: serviceSchema.optional().describe('The Service in front of the webhook.'),
  caBundle: z.string().optional().describe('PEM certificates in base64 that the webhook is checked with.'),
});

export const webhookConfigurationSchema = partOf({
  ...typeFields,
  webhooks: z
    .array(
      openObject({
        name: z.string().describe('Unique name of the webhook.'),
        clientConfig: clientConfigSchema.describe('Where the webhook is.'),
      }),
    )
    .optional()
    .describe('The webhooks.'),
}).describe('A webhook configuration says which writes a webhook is asked about.');

export type WebhookConfiguration = z.infer<typeof webhookConfigurationSchema>;

const shared = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  namespaced: false,
  statusSubresource: false,
  schema: webhookConfigurationSchema,
};

export const mutatingWebhookConfigurations: ResourceType<WebhookConfiguration> = {
  ...shared,
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
};

export const validatingWebhookConfigurations: ResourceType<WebhookConfiguration> = {
  ...shared,
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
};
