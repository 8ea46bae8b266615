// Writes the networks of the cluster into the status of the SpiderCoordinator.

import { resources, type SpiderCoordinator } from '#api';
import { type DiscoveredStatus, type DiscoveryOptions, discoverNetworks } from '#plan/discovery';
import { type Action, statusActions, withCondition } from '#reconcile';
import type { SettingController } from '../kinds.ts';
import type { Sources } from './sources.ts';

const type = resources.spiderCoordinators;

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
    coordinator.status?.conditions ?? [],
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
