// A duration as Go writes it: `50s`, `1m30s`.

/** Units of Go's durations, in seconds. */
const unitSeconds: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** In seconds. Undefined if the text is no duration. */
export function goSeconds(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
  return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (unitSeconds[unit] ?? 0), 0);
}
