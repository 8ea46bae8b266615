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
    brief:
      'Shows the path of a packet from a pod to its destination and back, hop by hop, and what would drop it',
    fullDescription: [
      'POD is a pod, or an address of a pod, from which it then sends. DESTINATION is a pod, Service[:PORT], node,',
      'address[:PORT] or nodeport:NODE:PORT. Write names as NAMESPACE/NAME; write pod/NAME, svc/NAME or node/NAME if several',
      'objects have the name.',
      'Each hop shows rule, route, device and neighbour, NAT, marks, and the source that the server sees. In a lab POD may also',
      'be a node, router, client or branch. On a node POD is one of its pods; parts of other nodes come from the API and are',
      'marked "assumed".',
      'Exit codes: 0 it works; 1 it does not work; 2 no answer was found; 3 the packet arrives, but no program listens.',
    ].join('\n'),
  },
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'The pod that sends',
          parse: text,
          placeholder: 'pod',
          proposeCompletions: completePlace,
        },
        {
          brief: 'The destination',
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
        brief: 'Port; the default is the first port of the destination',
      },
      family: {
        kind: 'parsed',
        parse: familyOf,
        proposeCompletions: () => ['4', '6'],
        optional: true,
        placeholder: '4|6',
        brief: '4 or 6; the default is IPv4 if both ends have it',
      },
      endpoint: {
        kind: 'parsed',
        parse: text,
        optional: true,
        placeholder: 'NAME',
        brief: 'The endpoint of the Service: a pod or an address',
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
