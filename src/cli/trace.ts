// `orbctl trace POD DESTINATION`: the way of a packet there and back, with what decides it at each hop.

import { buildCommand } from '@stricli/core';
import { OrbError } from '#base';
import type { Family } from '#ip';
import type { Protocol } from '#plan/trace';
import { type Context, jsonFlag, namespaceFlag, text } from './context.ts';
import { completePlace, type PlaceNames } from './lab-places.ts';
import type { TraceFlags } from './trace/run.ts';

/** What the command does; it resolves with the exit code: 1 where the connection does not work. */
export interface TraceCommands extends PlaceNames {
  trace(flags: TraceFlags, from: string, to: string): Promise<number>;
}

type Here = Context<TraceCommands>;

const protocols: readonly Protocol[] = ['tcp', 'udp', 'icmp'];

function protocolOf(input: string): Protocol {
  const found = protocols.find((protocol) => protocol === input.toLowerCase());
  return found ?? refuse('--protocol', input, protocols.join(', '));
}

function portOf(input: string): number {
  const port = Number(input);
  return /^[0-9]+$/.test(input) && port >= 1 && port <= 65_535 ? port : refuse('--port', input, '1 to 65535');
}

function familyOf(input: string): Family {
  return input === '4' ? 4 : input === '6' ? 6 : refuse('--family', input, '4, 6');
}

function refuse(flag: string, input: string, allowed: string): never {
  throw new OrbError('INPUT_INVALID', {
    message: `${flag} ${JSON.stringify(input)}: allowed are ${allowed}`,
  });
}

export const trace = buildCommand<TraceFlags, [string, string], Here>({
  docs: {
    brief: 'Shows the way of a packet from a pod there and back, hop by hop, and what would drop it',
    fullDescription: [
      'DESTINATION is a pod, Service[:PORT], node, address[:PORT], or nodeport:NODE:PORT; NAMESPACE/NAME where a name is not enough,',
      'and pod:, service: or node: before it where several have it. Each hop shows rule, route, device and neighbour, NAT,',
      'marks, and what the server sees. In a lab every pod can be asked for, and as POD also a node, router or client; on a node',
      'its own pods, and what is elsewhere is drawn from the API and marked "assumed". Exit code 1: it does not work.',
    ].join(' '),
  },
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'The pod that asks',
          parse: text,
          placeholder: 'pod',
          proposeCompletions: completePlace,
        },
        {
          brief: 'Whom it asks',
          parse: text,
          placeholder: 'destination',
          proposeCompletions: completePlace,
        },
      ],
    },
    flags: {
      protocol: { kind: 'parsed', parse: protocolOf, default: 'tcp', brief: 'tcp, udp or icmp' },
      port: { kind: 'parsed', parse: portOf, optional: true, brief: "Port; else the destination's first" },
      family: {
        kind: 'parsed',
        parse: familyOf,
        optional: true,
        brief: '4 or 6; else IPv4 where both have it',
      },
      endpoint: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'Pod or address that a Service with several endpoints leads to',
      },
      namespace: namespaceFlag,
      json: jsonFlag,
    },
    aliases: { n: 'namespace' },
  },
  async func(flags, from, to) {
    this.process.exitCode = await this.commands.trace(flags, from, to);
  },
});
