// Deletes objects: preconditions, grace for pods, finalizers, and the policy for dependents.

import { type ApiObject, type Json, type JsonObject, listAt, numberAt, stringAt } from '../json.ts';
import { stamp } from '../metadata.ts';
import type { Admission } from '../ports.ts';
import { conflict } from '../status.ts';
import type { Entry } from '../store/index.ts';
import { admissionRequest, denial } from './admission.ts';
import type { DeleteOptions } from './delete-options.ts';
import { FOREGROUND_FINALIZER, mayBeRemoved, ORPHAN_FINALIZER } from './finalizers.ts';
import type { Objects } from './objects.ts';
import { keyOf, type Target } from './target.ts';

/** The result of a deletion: the object is `gone`, or it still exists with a deletionTimestamp. */
export interface Deleted {
  readonly entry: Entry;
  readonly gone: boolean;
}

/** Deletes an object. It only marks the object when a kubelet, a finalizer or a namespace's content must go first. */
export async function deleteObject(
  objects: Objects,
  target: Target,
  options: DeleteOptions,
): Promise<Deleted> {
  const { store, admission } = objects.context;
  for (;;) {
    const current = objects.get(target);
    refusePreconditions(target, current.object, options);
    await admitDeletion(admission, target, current.object, options);
    const marked = mark(current.object, options, objects.context.clock.now());
    if (options.dryRun) return { entry: current, gone: mayBeRemoved(marked) };
    if (!mayBeRemoved(marked)) {
      if (JSON.stringify(marked) === JSON.stringify(current.object)) return { entry: current, gone: false };
      const entry = store.put(keyOf(target), current, marked);
      if (entry !== undefined) return { entry, gone: false };
      continue;
    }
    const entry = store.remove(current, marked);
    if (entry === undefined) continue;
    objects.context.strategyOf(target.resource)?.removed?.(marked);
    return { entry, gone: true };
  }
}

async function admitDeletion(
  admission: Admission,
  target: Target,
  object: ApiObject,
  options: DeleteOptions,
): Promise<void> {
  if (admission.validate === undefined) return;
  const { dryRun, user, warnings = [] } = options;
  const request = admissionRequest('DELETE', target, object, object, '', { dryRun, user, warnings });
  try {
    await admission.validate(request);
  } catch (error) {
    throw denial(target.resource, request, error);
  }
}

/** The object with the metadata that a deletion adds. */
function mark(object: ApiObject, options: DeleteOptions, nowMs: number): ApiObject {
  const metadata = { ...object.metadata };
  const graceSeconds = grace(object, options);
  const before = numberAt(object, 'metadata', 'deletionGracePeriodSeconds');
  if (metadata.deletionTimestamp === undefined || graceSeconds < (before ?? 0)) {
    metadata.deletionTimestamp = stamp(nowMs + graceSeconds * 1000);
    metadata.deletionGracePeriodSeconds = graceSeconds;
  }
  const finalizers = finalizersFor(listAt(object, 'metadata', 'finalizers'), options);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  const marked: ApiObject = { ...object, metadata };
  if (object.kind === 'Namespace') marked.status = { ...(object.status as JsonObject), phase: 'Terminating' };
  return marked;
}

function finalizersFor(present: readonly Json[], options: DeleteOptions): Json[] {
  const { propagationPolicy } = options;
  if (propagationPolicy === undefined) return [...present];
  const others = present.filter(
    (finalizer) => finalizer !== FOREGROUND_FINALIZER && finalizer !== ORPHAN_FINALIZER,
  );
  if (propagationPolicy === 'Foreground') return [...others, FOREGROUND_FINALIZER];
  return propagationPolicy === 'Orphan' ? [...others, ORPHAN_FINALIZER] : others;
}

/** Only a pod with a kubelet gets a grace period: the kubelet stops the pod, then deletes it with grace 0. */
function grace(object: ApiObject, options: DeleteOptions): number {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return 0;
  const phase = stringAt(object, 'status', 'phase');
  if (!stringAt(object, 'spec', 'nodeName') || phase === 'Succeeded' || phase === 'Failed') return 0;
  return Math.max(
    0,
    options.gracePeriodSeconds ?? numberAt(object, 'spec', 'terminationGracePeriodSeconds') ?? 30,
  );
}

function refusePreconditions(target: Target, object: ApiObject, options: DeleteOptions): void {
  const uid = stringAt(object, 'metadata', 'uid') ?? '';
  const resourceVersion = stringAt(object, 'metadata', 'resourceVersion') ?? '';
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`;
    throw conflict(target.resource, target.name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(target.resource, target.name, why);
  }
}
