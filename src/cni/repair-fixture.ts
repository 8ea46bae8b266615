// For root tests: a repair of a site's pod from what is recorded, as the agent does it.

import { openNamespace } from '#kernel';
import { podOf, repairNetwork } from '#node';
import { planPod } from '#plan/network';
import { containerId, type Site } from './coordinator-site-fixture.ts';

/** The sentences of what was wrong; none where nothing is recorded yet. */
export function repairPod(site: Site): readonly string[] {
  const nics = site.attachments
    .ofContainer(containerId)
    .flatMap(({ coordinator }) => (coordinator?.plan === undefined ? [] : [coordinator.plan]));
  if (nics.length === 0) return [];
  const pod = openNamespace(site.lan.path(site.lan.pod));
  try {
    const desired = planPod(podOf(containerId, nics));
    return repairNetwork({ desired, nics }, { pod, node: site.node }).damage;
  } finally {
    pod.close();
  }
}
