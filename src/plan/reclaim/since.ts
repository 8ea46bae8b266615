// Since when the reason of a verdict has held, as far as the objects tell it.

import type { ReclaimFacts } from './facts.ts';
import { finishedMs, hasFinished } from './pod-end.ts';

/** Milliseconds since 1970. Undefined if no object tells it: nothing says when a pod went that is gone. */
export function reasonSinceMs({ holder, namesake }: ReclaimFacts): number | undefined {
  if (holder.state === 'unreadable') return undefined;
  if (holder.state === 'absent') return time(namesake?.metadata.creationTimestamp);
  const { metadata, status } = holder.object;
  const dueMs = time(metadata.deletionTimestamp);
  if (hasFinished(holder.object)) return finishedMs(holder.object);
  // The API server has added the grace period to the time of the request.
  if (dueMs !== undefined) return dueMs - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return time(status?.startTime) ?? time(metadata.creationTimestamp);
}

function time(text: string | null | undefined): number | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
