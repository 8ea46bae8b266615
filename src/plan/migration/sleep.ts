// Sleep: a program keeps its object in the cluster, and no pod of it runs. What the object had is in an annotation of it,
// written with the same write, so that waking it puts back exactly what was there.

import { z } from 'zod';
import type { DaemonSet, Deployment, WebhookConfiguration } from '#api';
import type { Sleeper } from './sleeper.ts';

/** What the object had before it was put to sleep, as JSON. */
export const ASLEEP_ANNOTATION = 'orbweaver.io/asleep';
/** No node has this label, so a DaemonSet that selects it runs nowhere. */
export const ASLEEP_LABEL = 'orbweaver.io/asleep';

const deploymentNote = z.object({ replicas: z.int().min(0) });
const webhookNote = z.object({ webhooks: z.array(z.looseObject({ name: z.string() })) });

/** A merge patch. */
export type Patch = Readonly<Record<string, unknown>>;

export function isAsleep(sleeper: Sleeper): boolean {
  switch (sleeper.kind) {
    case 'Deployment':
      return replicasOf(sleeper.object) === 0 && deploymentNoteOf(sleeper.object) !== undefined;
    case 'DaemonSet':
      return sleeper.object.spec?.template.spec?.nodeSelector?.[ASLEEP_LABEL] !== undefined;
    default:
      return (sleeper.object.webhooks ?? []).length === 0 && webhookNoteOf(sleeper.object) !== undefined;
  }
}

/** Puts it to sleep. It must be awake: the annotation takes what it has now. */
export function sleepPatch(sleeper: Sleeper): Patch {
  switch (sleeper.kind) {
    case 'Deployment': {
      const replicas = replicasOf(sleeper.object);
      return { ...noted({ replicas }), spec: { replicas: 0 } };
    }
    case 'DaemonSet':
      return { ...noted({}), ...selecting('true') };
    default:
      return { ...noted({ webhooks: sleeper.object.webhooks ?? [] }), webhooks: [] };
  }
}

/** Wakes it up. It must be asleep. */
export function wakePatch(sleeper: Sleeper): Patch {
  const metadata = { annotations: { [ASLEEP_ANNOTATION]: null } };
  switch (sleeper.kind) {
    case 'Deployment':
      return { metadata, spec: { replicas: deploymentNoteOf(sleeper.object)?.replicas } };
    case 'DaemonSet':
      return { metadata, ...selecting(null) };
    default:
      return { metadata, webhooks: webhookNoteOf(sleeper.object)?.webhooks };
  }
}

/** The webhooks of the configuration, also while it is asleep. */
export function writtenWebhooks(object: WebhookConfiguration): readonly { readonly name: string }[] {
  const { webhooks = [] } = object;
  return webhooks.length > 0 ? webhooks : (webhookNoteOf(object)?.webhooks ?? []);
}

/** How many pods the Deployment has when it is awake. */
export function wantedReplicas(object: Deployment): number {
  const replicas = replicasOf(object);
  return replicas > 0 ? replicas : (deploymentNoteOf(object)?.replicas ?? 0);
}

/** The API's default is 1. */
function replicasOf({ spec }: Deployment): number {
  return spec?.replicas ?? 1;
}

function noted(note: object): Patch {
  return { metadata: { annotations: { [ASLEEP_ANNOTATION]: JSON.stringify(note) } } };
}

function selecting(value: 'true' | null): Patch {
  return { spec: { template: { spec: { nodeSelector: { [ASLEEP_LABEL]: value } } } } };
}

function deploymentNoteOf(object: Deployment) {
  return noteOf(object, deploymentNote);
}

function webhookNoteOf(object: WebhookConfiguration) {
  return noteOf(object, webhookNote);
}

/** Undefined if there is none, or if somebody else wrote something there. */
function noteOf<T>(
  { metadata }: DaemonSet | Deployment | WebhookConfiguration,
  schema: z.ZodType<T>,
): T | undefined {
  const text = metadata.annotations?.[ASLEEP_ANNOTATION];
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
