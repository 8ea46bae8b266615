// `orbctl trace POD DESTINATION`: the path of a packet in both directions, with what decides it at each hop.

import { buildCommand } from '@stricli/core';
import { OrbError } from '#base';
import type { Family } from '#ip';
import type { Protocol } from '#plan/trace';
import { wholeNumber } from '#program';
import { type Context, jsonFlag, namespaceFlag, text } from './context.ts';
import { completePlace, type PlaceNames } from './lab-places.ts';
import type { TraceFlags } from './trace/index.ts';

/** Does the work. It resolves with the exit code: 1 if the connection does not work, 3 if the packet arrives but nobody listens. */
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
  return wholeNumber('--port', input, 1, 65_535);
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
      'POD is a pod, or an address of one, which it then sends from. DESTINATION is a pod, Service[:PORT], node,',
      'address[:PORT] or nodeport:NODE:PORT. Names may be NAMESPACE/NAME, and pod/NAME, svc/NAME or node/NAME where several',
      'have the name.',
      'Each hop shows rule, route, device and neighbour, NAT, marks, and what the server sees. In a lab POD may also be a node,',
      'router, client or branch. On a node it is one of its pods; what is elsewhere is drawn from the API and marked "assumed".',
      'Exit codes: 0 it works; 1 it does not; 2 it could not be found out; 3 it arrives, and nobody listens on the port.',
    ].join('\n'),
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
      protocol: {
        kind: 'parsed',
        parse: protocolOf,
        proposeCompletions: (partial) => protocols.filter((each) => each.startsWith(partial)),
        default: 'tcp',
        placeholder: 'NAME',
        brief: 'tcp, udp or icmp',
      },
      port: {
        kind: 'parsed',
        parse: portOf,
        optional: true,
        placeholder: 'N',
        brief: "Port; else the destination's first",
      },
      family: {
        kind: 'parsed',
        parse: familyOf,
        proposeCompletions: () => ['4', '6'],
        optional: true,
        placeholder: '4|6',
        brief: '4 or 6; else IPv4 where both have it',
      },
      endpoint: {
        kind: 'parsed',
        parse: text,
        optional: true,
        placeholder: 'NAME',
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
