// What a bad server does to one watch instead of sending the next change, or besides.

import type { Random } from '#base';
import type { Change } from './world.ts';

/** The faults of a watch. Each is named by what the client sees. */
export const watchFaults = [
  'reset before the change',
  'reset after the change',
  'half a line, then a reset',
  'half a line, then the end',
  'the end',
  'a broken line in place of the change',
  'a state that the schema refuses, then the change',
  'the same change twice',
  'an earlier change again',
  'two changes in the wrong order',
  'an ERROR with 410',
  'an ERROR with 500',
  'a stall, then the change',
  'a stall, then a reset',
] as const;

export type WatchFault = (typeof watchFaults)[number];

/** Lines that are no event. They may hide one. */
const brokenLines: readonly [string, ...string[]] = [
  '<html>502 Bad Gateway</html>',
  '{"type":"ADDED","object":{"metadata":{"na',
  'null',
  '17',
  '{}',
  '{"type":"ADDED"}',
  '{"type":"MODIFIED","object":null}',
  '{"type":"MODIFIED","object":{}}',
  '{"type":"DELETED","object":{"metadata":{}}}',
  '{"type":"RENAMED","object":{"metadata":{"name":"object-1","namespace":"soak"}}}',
  '{"type":"BOOKMARK"}',
  '{"type":"BOOKMARK","object":{"metadata":{}}}',
  '{"type":"ERROR"}',
];

export function brokenLine(random: Random): string {
  return random.pick(brokenLines);
}

export function line({ type, object }: Pick<Change, 'type' | 'object'>): string {
  return JSON.stringify({ type, object });
}

/** The change with data that no ConfigMap can have, as an object of an older schema. */
export function refusedLine({ type, object }: Change): string {
  return JSON.stringify({ type, object: { ...object, data: { text: 5 } } });
}

export function errorLine(code: 410 | 500): string {
  const reason = code === 410 ? 'Expired' : 'InternalError';
  const object = { kind: 'Status', status: 'Failure', message: 'as the soak wants', reason, code };
  return JSON.stringify({ type: 'ERROR', object });
}

export function bookmarkLine(version: number): string {
  const metadata = { resourceVersion: String(version) };
  return JSON.stringify({ type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata } });
}
