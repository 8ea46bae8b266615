// For root tests: repairs a site's pod from its records, as the agent does it.

import { openNamespace } from '#kernel';
import { podInputOf, repairNetwork } from '#node';
import { planPod } from '#plan/network';
import { containerId, type Site } from './site-fixture.ts';

/** Sentences about what was wrong. Empty if nothing is recorded yet. */
export function repairPod(site: Site): readonly string[] {
  const nics = site.attachments
    .ofContainer(containerId)
    .flatMap(({ coordinator }) => (coordinator?.plan === undefined ? [] : [coordinator.plan]));
  if (nics.length === 0) return [];
  const pod = openNamespace(site.lan.path(site.lan.pod));
  try {
    const desired = planPod(podInputOf(containerId, nics));
    return repairNetwork({ desired, nics }, { pod, node: site.node }).damage;
  } finally {
    pod.close();
  }
}
