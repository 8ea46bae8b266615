// How long things took: a histogram, and the four gauges that Spiderpool has for each duration.

import { Gauge, Histogram, type Registry } from 'prom-client';

/** Spiderpool's buckets start at 100 ms, which is longer than most of our requests take. Finer buckets come first. */
export const bucketSeconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 1, 3, 5, 7, 10, 15];

/** Registers `NAME_duration_seconds` and its average, maximum, minimum and latest value since the start of the agent. */
export function durations(registry: Registry, name: string, what: string): (seconds: number) => void {
  const registers = [registry];
  const histogram = new Histogram({
    ...{ name: `${name}_duration_seconds`, help: what, buckets: bucketSeconds, registers },
  });
  const gauge = (kind: string) =>
    new Gauge({ name: withKind(name, kind), help: `${what}: ${kind} since the start`, registers });
  const [average, maximum, minimum, latest] = ['average', 'max', 'min', 'latest'].map(gauge) as [
    Gauge,
    Gauge,
    Gauge,
    Gauge,
  ];
  let count = 0;
  let sum = 0;
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  return (seconds) => {
    histogram.observe(seconds);
    count += 1;
    sum += seconds;
    most = Math.max(most, seconds);
    least = Math.min(least, seconds);
    average.set(sum / count);
    maximum.set(most);
    minimum.set(least);
    latest.set(seconds);
  };
}

/** Spiderpool's names have the kind before `duration` or `limit_duration`. */
function withKind(name: string, kind: string): string {
  return name.endsWith('_limit')
    ? `${name.slice(0, -'_limit'.length)}_${kind}_limit_duration_seconds`
    : `${name}_${kind}_duration_seconds`;
}
