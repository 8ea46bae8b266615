// How many pods above and below the wanted number a rollout may have (kubernetes, deployment/util, ResolveFenceposts).

/** The most pods above the wanted number, and the most below it. */
export interface Bounds {
  readonly surge: number;
  readonly unavailable: number;
}

interface Strategy {
  readonly type?: string;
  readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
}

/** The part of a Deployment's spec that the API's type does not describe. */
function strategyField(spec: object | undefined): Strategy {
  return (spec as { readonly strategy?: Strategy } | undefined)?.strategy ?? {};
}

/** RollingUpdate or Recreate. */
export function strategyOf(spec: object | undefined): string {
  return strategyField(spec).type ?? 'RollingUpdate';
}

function resolve(value: number | string, wanted: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = Number(/^(\d+)%$/.exec(value)?.[1] ?? 0);
  return round((percent * wanted) / 100);
}

/** maxSurge is rounded up, maxUnavailable down. If both were 0, the rollout could not continue. */
export function boundsOf(spec: object | undefined, wanted: number): Bounds {
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategyField(spec).rollingUpdate ?? {};
  const surge = resolve(maxSurge, wanted, Math.ceil);
  const unavailable = Math.min(wanted, resolve(maxUnavailable, wanted, Math.floor));
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}
