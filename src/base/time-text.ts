// Times in answers.

/** RFC 3339 with seconds. `ms` is milliseconds since 1970. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
