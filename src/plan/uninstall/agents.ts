// How the agents are told to remove what they keep on their nodes, and when they have.

import type { DaemonSet } from '#api';

/** The option of the agent. */
const OPTION = '--uninstall';
const CONTAINER = 'agent';

/**
 * - `tell`: the agents still serve their nodes.
 * - `wait`: some nodes are not cleared yet.
 * - `delete`: every node is cleared.
 */
type AgentsTask = 'tell' | 'wait' | 'delete';

export function agentsTask({ metadata, spec, status }: DaemonSet): AgentsTask {
  if (!argsOf(spec).includes(OPTION)) return 'tell';
  const { observedGeneration = 0, desiredNumberScheduled: wanted = 0 } = status ?? {};
  if (observedGeneration < (metadata.generation ?? 0)) return 'wait';
  // A pod is ready when its node is cleared. Both numbers count the oldest pod of each node, so that a ready pod of the former
  // template is not in the first one (Kubernetes, pkg/controller/daemon).
  const cleared = Math.min(status?.updatedNumberScheduled ?? 0, status?.numberReady ?? 0);
  return cleared < wanted ? 'wait' : 'delete';
}

/** A strategic merge patch. All agents are exchanged at once: no pod of ours runs any more. */
export function clearingPatch({ spec }: DaemonSet): object {
  const containers = [{ name: CONTAINER, args: [...argsOf(spec), OPTION] }];
  return {
    spec: {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%', maxSurge: 0 } },
      template: { spec: { containers } },
    },
  };
}

function argsOf(spec: DaemonSet['spec']): readonly string[] {
  const container = spec?.template.spec?.containers?.find(({ name }) => name === CONTAINER);
  return container?.args ?? [];
}
