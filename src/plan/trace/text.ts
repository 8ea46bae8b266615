// A trace as plain lines for network engineers.

import { formatAddress } from '#ip';
import type { Hop } from './hop.ts';
import type { Trace, Walk } from './walk.ts';

/** The whole trace. The last line says whether the connection works, formatted by `verdict`. */
export function traceText(trace: Trace, verdict = (line: string) => line): string {
  const { request, reply, next } = trace;
  return [
    ...walkText('request', request),
    ...(reply === undefined ? [] : ['', ...walkText('reply', reply)]),
    ...(next === undefined ? [] : ['', ...walkText('next packet (ACK)', next)]),
    '',
    ...verdictLines(trace, verdict),
  ].join('\n');
}

function verdictLines(trace: Trace, verdict: (line: string) => string): string[] {
  const { works, failure, nobodyListens, seenSource } = trace;
  const seen = seenSource === undefined ? [] : [`the server sees ${formatAddress(seenSource)}`];
  const failed = nobodyListens === true ? `${failure}` : `fails: ${failure}`;
  return [...seen, verdict(works ? 'works' : failed)];
}

/** One line with the links of both ends: `default/a veth0 → node1 → default/b eth0`. */
export function walkLine({ hops, outcome }: Walk): string {
  const names = hops.map(({ place, inputDev, outputDev }, i) => {
    const dev = i === 0 ? outputDev : (inputDev ?? '');
    const isEnd = i === 0 || i === hops.length - 1;
    return isEnd && dev !== undefined ? `${place.name} ${dev}` : place.name;
  });
  return `${names.join(' → ')}${outcome === 'dropped' ? ' ✗' : ''}`;
}

function walkText(title: string, { hops }: Walk): string[] {
  return [title, ...hops.flatMap(hopText)];
}

function hopText({ place, inputDev, steps }: Hop, i: number): string[] {
  const kind = place.kind === 'machine' ? '' : `${place.kind} `;
  const node = place.node === undefined ? '' : ` (${place.node})`;
  const assumed = place.assumed === true ? ', assumed' : '';
  const by = inputDev === undefined ? '' : `, in ${inputDev}`;
  return [
    `${String(i + 1).padStart(3)}  ${kind}${place.name}${node}${by}${assumed}`,
    ...steps.map(({ text }) => `       ${text}`),
  ];
}
