// Writes the networks of the cluster into the status of the SpiderCoordinator.

import { resources, type SpiderCoordinator, unreadableNote } from '#api';
import { type DiscoveredStatus, type DiscoveryOptions, discoverNetworks } from '#plan/discovery';
import { type Action, statusActions, withCondition } from '#reconcile';
import type { SettingController } from '../kinds.ts';
import type { Sources } from './sources.ts';

const type = resources.spiderCoordinators;

/** The reason of the condition while the object cannot be read. */
const UNREADABLE = 'Unreadable';

export interface CoordinatorControllerOptions extends DiscoveryOptions {
  /** The name of the SpiderCoordinator that counts. */
  readonly name: string;
  readonly sources: Sources;
}

export function coordinatorController(options: CoordinatorControllerOptions): SettingController {
  const { name, sources } = options;
  return {
    name: 'spidercoordinator',
    concerns: (_, { metadata }) => (metadata.name === name ? [name] : []),
    outside: (changed) => {
      sources.onChange = () => changed(name);
      return () => sources.stop();
    },
    plan: (_, state, now) => {
      const coordinator = state.coordinators.get(name);
      if (coordinator === undefined) {
        sources.follow(new Set());
        return [];
      }
      const unreadable = unreadableNote(coordinator);
      if (unreadable !== undefined) {
        sources.follow(new Set());
        return unreadableActions(coordinator, unreadable, now);
      }
      const { status, consulted } = discoverNetworks(coordinator, sources.facts(), options);
      sources.follow(consulted);
      return status === undefined ? [] : reportActions(coordinator, status, now);
    },
  };
}

/** The status, and an Event when its phase or the reason for it changes. */
function reportActions(coordinator: SpiderCoordinator, status: DiscoveredStatus, now: string): Action[] {
  const { phase, reason } = status;
  const conditions = status.conditions.reduce(
    (all, condition) => withCondition(all, condition, now),
    (coordinator.status?.conditions ?? []).filter(({ reason }) => reason !== UNREADABLE),
  );
  const before = coordinator.status;
  const isNews = before?.phase !== phase || (before.reason ?? '') !== reason;
  const note =
    phase === 'Synced'
      ? { type: 'Normal' as const, reason: phase, message: 'the networks of the cluster are known' }
      : { type: 'Warning' as const, reason: phase, message: reason };
  return [
    ...statusActions(type, coordinator, { ...status, conditions }),
    ...(isNews ? [{ verb: 'event' as const, type, object: coordinator, note }] : []),
  ];
}

/** Its networks stay as they are in the status, because running pods use them. */
function unreadableActions(coordinator: SpiderCoordinator, message: string, now: string): Action[] {
  const before = coordinator.status?.conditions;
  if (before?.some((condition) => condition.type === 'Ready' && condition.message === message)) return [];
  const wanted = { type: 'Ready', status: 'False', reason: UNREADABLE, message } as const;
  const note = { type: 'Warning', reason: wanted.reason, message } as const;
  return [
    ...statusActions(type, coordinator, { conditions: withCondition(before, wanted, now) }),
    { verb: 'event', type, object: coordinator, note },
  ];
}
