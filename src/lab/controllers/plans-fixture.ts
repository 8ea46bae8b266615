// For tests of plans: a cluster with the lab's kinds, and plans as short text.

import type { Pod } from '#api';
import type { Action } from '#reconcile';
import { TestCluster } from '#reconcile/testing';
import { watchedKinds } from './cluster-state.ts';

export const now = '2026-01-01T00:00:00Z';

export class LabCluster extends TestCluster<typeof watchedKinds> {
  constructor() {
    super(watchedKinds);
  }
}

/** A running pod, as its kubelet reports it. */
export function ready(pod: Pod): Pod {
  const conditions = [{ type: 'Ready', status: 'True' as const }];
  return { ...pod, status: { ...pod.status, phase: 'Running', conditions } };
}

/** Actions as short text: `create pods a`. */
export function shown(actions: readonly Action[]): string[] {
  return actions
    .filter((action) => action.verb !== 'event')
    .filter((action) => action.verb !== 'patch' || action.subresource === undefined)
    .map(
      ({ verb, type, object: { metadata } }) =>
        `${verb} ${type.plural} ${metadata.name ?? metadata.generateName}`,
    );
}

/** The status that a plan writes. */
export function statusOf(actions: readonly Action[]): unknown {
  const patch = actions.find((action) => action.verb === 'patch' && action.subresource === 'status');
  return patch?.verb === 'patch' ? patch.body.status : undefined;
}
