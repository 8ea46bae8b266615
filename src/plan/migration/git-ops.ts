// Programs that bring objects back to what is written down elsewhere.

import type { KubeObject } from '#api';

/** Marks of these programs on objects. */
const marks: Readonly<Record<string, string>> = {
  'argocd.argoproj.io/tracking-id': 'Argo CD',
  'argocd.argoproj.io/instance': 'Argo CD',
  'helm.toolkit.fluxcd.io/name': 'Flux',
  'kustomize.toolkit.fluxcd.io/name': 'Flux',
};

/** The names of the programs that manage any of the objects. */
export function gitOpsManagers(objects: readonly KubeObject[]): string[] {
  const names = objects.flatMap(({ metadata: { labels, annotations } }) =>
    Object.keys({ ...labels, ...annotations }).flatMap((key) => marks[key] ?? []),
  );
  return [...new Set(names)];
}
