// A filter program for nftables' notifications that keeps one for each transaction.

import type { FilterInstruction } from './ffi/index.ts';
import { NFT_NEW_GENERATION } from './netlink/index.ts';

/**
 * Classic BPF (filter.h). It reads half-words in network byte order, but netlink writes them in the machine's byte
 * order.
 */
export const generationFilter: readonly FilterInstruction[] = [
  { code: 0x28, jt: 0, jf: 0, k: 4 }, // ldh nlmsg_type
  { code: 0x15, jt: 0, jf: 1, k: ((NFT_NEW_GENERATION & 0xff) << 8) | (NFT_NEW_GENERATION >> 8) }, // jeq, else drop
  { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff }, // keep
  { code: 0x06, jt: 0, jf: 0, k: 0 }, // drop
];
