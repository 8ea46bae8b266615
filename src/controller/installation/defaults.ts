// The objects that an installation begins with, for example the SpiderCoordinator: the leader applies them.

import { apiVersionOf, type KubeObject, type ResourceType } from '#api';
import { type Clock, errorText, isOrbError, type Logger } from '#base';
import { type KubeClient, nameOf, refOf, WorkQueue } from '#kube';

/** Fields of these objects belong to this manager (Kubernetes, "Server-Side Apply"). */
const FIELD_MANAGER = 'orbweaver-defaults';

/** An object as the user wrote it: without the defaults of its schema, so that only those fields are applied. */
export interface DefaultObject {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export interface DefaultsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Applies the objects when this replica begins to lead, and again after failures. A field that somebody else has changed is
 * never taken back: then the whole object stays as it is, and the log says so. Nothing is ever deleted.
 */
export async function applyDefaults(
  { client, clock, log }: DefaultsOptions,
  objects: readonly DefaultObject[],
  leading: AbortSignal,
): Promise<void> {
  if (objects.length === 0) return;
  const queue = new WorkQueue({ clock, log, work: (key, signal) => apply(key, signal) });
  const byKey = new Map(objects.map((one) => [nameOf(one.type, refOf(one.object)), one]));
  async function apply(key: string, signal: AbortSignal): Promise<void> {
    const { type, object } = byKey.get(key) as DefaultObject;
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
    try {
      await client.patch(
        type,
        refOf(object),
        { type: 'apply', fieldManager: FIELD_MANAGER, body },
        { signal },
      );
      log.info({ object: key }, 'a default object is there');
    } catch (error) {
      if (!isOrbError(error, 'KUBE_CONFLICT')) throw error;
      log.warn({ object: key, error: errorText(error) }, 'a default object stays as others changed it');
    }
  }
  for (const key of byKey.keys()) queue.add(key);
  await new Promise((resolve) => leading.addEventListener('abort', resolve, { once: true }));
  await queue.stop();
}
