// What can be put to sleep: the workloads of Spiderpool and Orbweaver, and their webhook configurations.

import type { DaemonSet, Deployment, WebhookConfiguration } from '#api';

/** A workload of one of the two. */
export type Program =
  | { readonly kind: 'DaemonSet'; readonly role: Role; readonly object: DaemonSet }
  | { readonly kind: 'Deployment'; readonly role: Role; readonly object: Deployment };

/** `multus` is a workload of its own only with Orbweaver. In Spiderpool it is a container of the agent's pods. */
export type Role = 'agent' | 'controller' | 'multus';

export interface AdmissionCall {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly object: WebhookConfiguration;
}

/** The programs of one of the two. */
export interface Installation {
  readonly programs: readonly Program[];
  readonly webhooks: readonly AdmissionCall[];
}

export type Sleeper = Program | AdmissionCall;
