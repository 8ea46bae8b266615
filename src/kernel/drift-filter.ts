// A filter program for route netlink that keeps only events that can undo what we made. Neighbours that come and go
// with every pod's traffic, and routes of a routing daemon, never wake the agent.

import { MAIN_TABLE, ROUTE_PROTOCOL, RTPROT } from '#net';
import type { FilterInstruction } from './ffi/index.ts';
import { RTM_DELNEIGH, RTM_DELROUTE, RTM_NEWNEIGH, RTM_NEWROUTE } from './netlink/index.ts';

/** Codes of classic BPF (filter.h, bpf_common.h). */
const LOAD_BYTE = 0x30;
const LOAD_HALF = 0x28;
const LOAD_WORD = 0x20;
const LOAD_BYTE_AT_X = 0x50;
const LOAD_NUMBER = 0x00;
const LOAD_X_NUMBER = 0x01;
const COPY_TO_X = 0x07;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/**
 * SKF_AD_OFF + SKF_AD_NLATTR. Sets A to the offset of the attribute of type X, searching from offset A. Sets A to 0 if
 * there is none.
 */
const NETLINK_ATTRIBUTE = 0xffff_f000 + 12;

const NDA_PROTOCOL = 12;
const attributesOfNeighbour = 16 + 12;

const KEEP = 'keep';
const DROP = 'drop';

/** An instruction. Its jumps name the target line; without a name, the next line follows. */
interface Line {
  readonly label?: string;
  readonly code: number;
  readonly k: number;
  readonly yes?: string;
  readonly no?: string;
}

/** BPF reads half-words in network byte order, but netlink writes them in the machine's byte order. */
const swapped = (type: number) => ((type & 0xff) << 8) | (type >> 8);

const program: readonly Line[] = [
  { code: LOAD_HALF, k: 4 }, // nlmsg_type
  { code: JUMP_IF_EQUAL, k: swapped(RTM_NEWNEIGH), yes: 'neighbour' },
  { code: JUMP_IF_EQUAL, k: swapped(RTM_DELNEIGH), yes: 'neighbour' },
  { code: JUMP_IF_EQUAL, k: swapped(RTM_NEWROUTE), yes: 'route' },
  { code: JUMP_IF_EQUAL, k: swapped(RTM_DELROUTE), yes: 'route', no: KEEP },
  { label: 'neighbour', code: LOAD_NUMBER, k: attributesOfNeighbour },
  { code: LOAD_X_NUMBER, k: NDA_PROTOCOL },
  { code: LOAD_WORD, k: NETLINK_ATTRIBUTE },
  { code: JUMP_IF_EQUAL, k: 0, yes: DROP },
  { code: COPY_TO_X, k: 0 },
  { code: LOAD_BYTE_AT_X, k: 4 },
  { code: JUMP_IF_EQUAL, k: ROUTE_PROTOCOL, yes: KEEP, no: DROP },
  // Keeps our routes, default routes, and what plugins and people add to table main.
  { label: 'route', code: LOAD_BYTE, k: 16 + 5 }, // rtm_protocol
  { code: JUMP_IF_EQUAL, k: ROUTE_PROTOCOL, yes: KEEP },
  { code: LOAD_BYTE, k: 16 + 1 }, // rtm_dst_len
  { code: JUMP_IF_EQUAL, k: 0, yes: KEEP },
  { code: LOAD_BYTE, k: 16 + 4 }, // rtm_table
  { code: JUMP_IF_EQUAL, k: MAIN_TABLE, no: DROP },
  { code: LOAD_BYTE, k: 16 + 5 },
  { code: JUMP_IF_EQUAL, k: RTPROT.boot, yes: KEEP },
  { code: JUMP_IF_EQUAL, k: RTPROT.static, yes: KEEP, no: DROP },
  { label: KEEP, code: RETURN, k: 0xffff_ffff },
  { label: DROP, code: RETURN, k: 0 },
];

/**
 * Keeps events of links, addresses, rules and sysctls. Of routes and neighbours, keeps those that are ours or a
 * plugin's.
 */
export const driftFilter: readonly FilterInstruction[] = program.map(({ code, k, yes, no }, at) => {
  const distance = (label: string | undefined) =>
    label === undefined ? 0 : program.findIndex((line) => line.label === label) - at - 1;
  return { code, k, jt: distance(yes), jf: distance(no) };
});
