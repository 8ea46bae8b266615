// Times as text.

/** RFC 3339 with seconds, as metav1.Time has it. `ms` is milliseconds since 1970. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
