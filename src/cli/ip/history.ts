// The work of `orbctl ip history`: what the cluster still tells of an address. Nothing stores earlier holders, so the answer
// is put together from pods, SpiderEndpoints and Events, and says what it cannot know.

import { type Event, type Pod, resources, type SpiderEndpoint } from '#api';
import { type Clock, timeText } from '#base';
import { formatAddress } from '#ip';
import { hasFinished } from '#plan/reclaim';
import type { HistoryFlags } from '../ip.ts';
import { counted } from '../number-text.ts';
import { linesText } from '../one-line.ts';
import type { PartialReader } from '../partial-reader.ts';
import { tableLines } from '../table.ts';
import { addressOf, placeJson, placesOf, placeText, rivalJson } from './who.ts';

/** One thing that is known. `atMs` is undefined if the server does not say when. */
interface Entry {
  readonly atMs: number | undefined;
  readonly source: 'pod' | 'endpoint' | 'event';
  /** `Pod ns/web`. */
  readonly object: string;
  readonly what: string;
}

const UNKNOWN = [
  'Pools record the present holder alone. Earlier holders are known only while their pod, SpiderEndpoint or Events exist.',
  'The API server keeps Events for an hour, unless its option --event-ttl says otherwise.',
  'When an address was allocated or freed is not stored. It is later than the creation of its pod.',
];

/** The exit code is 1 if nothing at all is known. Throws INPUT_INVALID if the text is no address. */
export async function runHistory(
  reader: PartialReader,
  clock: Clock,
  text: string,
  { output }: HistoryFlags,
): Promise<{ text: string; exitCode: number }> {
  const address = addressOf(text);
  const canonical = formatAddress(address);
  const now = await placesOf(reader, clock, address);
  const entries = [
    ...(await fromPods(reader, canonical)),
    ...(await fromEndpoints(reader, canonical)),
    ...(await fromEvents(reader, canonical)),
  ].sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
  const { missing } = reader;
  const exitCode = entries.length === 0 && now.places.every(({ holder }) => holder === undefined) ? 1 : 0;
  if (output === 'json') {
    const told = entries.map(({ atMs, ...entry }) => ({ time: timeOf(atMs) ?? null, ...entry }));
    const answer = {
      ...{
        address: canonical,
        now: now.places.map(placeJson),
        entries: told,
        rivals: now.rivals.map(rivalJson),
      },
      ...{ unreadable: now.unreadable, unreadableReserved: now.unreadableReserved },
      ...{ unknown: UNKNOWN, incomplete: missing },
    };
    return { text: JSON.stringify(answer, undefined, 2), exitCode };
  }
  const rows = entries.map(({ atMs, object, what }) => [timeOf(atMs) ?? '-', object, what]);
  const lines = [
    ...(rows.length === 0
      ? ['nothing is known of earlier holders']
      : tableLines(['TIME', 'OBJECT', 'WHAT'], rows)),
    ...UNKNOWN,
    ...missing.map((sentence) => `not complete: ${sentence}`),
  ];
  return { text: `${placeText(canonical, now)}\n${linesText(lines)}`, exitCode };
}

/** A pod that has finished still shows the address that it had. */
async function fromPods(reader: PartialReader, address: string): Promise<Entry[]> {
  const so = 'pods that had it as their first address are not known';
  const pods = await reader.list(resources.pods, so, { fieldSelector: `status.podIP=${address}` });
  return (pods ?? []).map((pod) => ({
    atMs: created(pod),
    ...{ source: 'pod', object: `Pod ${pod.metadata.namespace}/${pod.metadata.name}` },
    what: `was created; its status shows the address${place(pod.spec?.nodeName)}${hasFinished(pod) ? '; it has finished' : ''}`,
  }));
}

async function fromEndpoints(reader: PartialReader, address: string): Promise<Entry[]> {
  const endpoints = await reader.list(
    resources.spiderEndpoints,
    'SpiderEndpoints that show it are not known',
  );
  return (endpoints ?? []).flatMap((endpoint) => {
    const detail = endpoint.status?.current.ips.find(({ ipv4 = '', ipv6 = '' }) =>
      [ipv4, ipv6].some((text) => text.split('/')[0] === address),
    );
    if (detail === undefined) return [];
    const { node } = endpoint.status?.current ?? {};
    return {
      atMs: created(endpoint),
      ...{
        source: 'endpoint' as const,
        object: `SpiderEndpoint ${endpoint.metadata.namespace}/${endpoint.metadata.name}`,
      },
      what: `was created; it shows the address on ${detail.interface}${place(node)}`,
    };
  });
}

async function fromEvents(reader: PartialReader, address: string): Promise<Entry[]> {
  const names = mentionOf(address);
  const events = await reader.list(resources.events, 'Events that name it are not known');
  return (events ?? []).filter(({ message = '' }) => names.test(message)).map(eventEntry);
}

function eventEntry(event: Event): Entry {
  const { kind = '', namespace, name = '' } = event.involvedObject;
  const { type = '', reason = '', message = '', count = 1 } = event;
  const times = count > 1 ? ` (${counted(count, 'time')})` : '';
  return {
    atMs: lastTimeMs(event),
    ...{ source: 'event', object: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}` },
    what: `${type} ${reason}${times}: ${message.replace(/\s+/g, ' ')}`,
  };
}

/** The address as a whole word: `10.6.0.1` is not in `10.6.0.10` and not in `110.6.0.1`. */
function mentionOf(address: string): RegExp {
  const escaped = address.replaceAll('.', String.raw`\.`);
  return new RegExp(String.raw`(?<![\w.:])${escaped}(?![\w]|[.:]\w)`, 'i');
}

/** When it happened last. Events of newer clients have `eventTime` alone. */
function lastTimeMs({ lastTimestamp, eventTime, metadata }: Event): number | undefined {
  const ms = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

function created({ metadata }: Pod | SpiderEndpoint): number | undefined {
  const ms = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

function place(node: string | undefined): string {
  return node === undefined ? '' : `, on node ${node}`;
}

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : timeText(ms);
}
