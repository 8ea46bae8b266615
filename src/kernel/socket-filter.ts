// Assembles filter programs of sockets: classic BPF (filter.h, bpf_common.h).

import { OrbError } from '#base';
import type { FilterInstruction } from './ffi/index.ts';

/** Labels that every program has: the socket receives the whole message, or none of it. */
export const KEEP = 'keep';
export const DROP = 'drop';

/** Where a jump leads: labels of later lines. A jump without a label leads to the next line. */
export interface FilterTargets {
  readonly yes?: string;
  readonly no?: string;
}

/** An instruction that may have a label. `code` and `k` are those of filter.h. */
export interface FilterLine extends FilterTargets {
  readonly label?: string;
  readonly code: number;
  readonly k: number;
}

/** BPF_LD with BPF_ABS: loads a value at an offset of the message, in network byte order. */
export const loadByte = (offset: number): FilterLine => ({ code: 0x30, k: offset });
export const loadHalf = (offset: number): FilterLine => ({ code: 0x28, k: offset });
export const loadWord = (offset: number): FilterLine => ({ code: 0x20, k: offset });
/** BPF_LD with BPF_IND: loads the byte at X plus an offset. */
export const loadByteAtX = (offset: number): FilterLine => ({ code: 0x50, k: offset });
export const loadNumber = (value: number): FilterLine => ({ code: 0x00, k: value });
export const loadNumberToX = (value: number): FilterLine => ({ code: 0x01, k: value });
export const copyToX = (): FilterLine => ({ code: 0x07, k: 0 });
export const jumpIfEqual = (value: number, targets: FilterTargets): FilterLine => ({
  code: 0x15,
  k: value,
  ...targets,
});

/** Loads nlmsg_type of a netlink message, for {@link jumpIfMessage}. */
export const loadMessageType = (): FilterLine => loadHalf(4);

/** Netlink writes half-words in the byte order of the machine, which is little-endian. BPF reads the other order. */
export const jumpIfMessage = (type: number, targets: FilterTargets): FilterLine =>
  jumpIfEqual(((type & 0xff) << 8) | (type >> 8), targets);

/** Gives the line a label. */
export const at = (label: string, line: FilterLine): FilterLine => ({ ...line, label });

const RETURN = 0x06;
/** jt and jf are bytes. */
const MAXIMUM_DISTANCE = 0xff;

/**
 * The program of the lines. The lines for {@link KEEP} and {@link DROP} are added at the end.
 * @throws OrbError INTERNAL for a jump to a label that no later line has, or that is more than 255 lines away
 */
export function assemble(lines: readonly FilterLine[]): FilterInstruction[] {
  const program = [...lines, at(KEEP, { code: RETURN, k: 0xffff_ffff }), at(DROP, { code: RETURN, k: 0 })];
  return program.map(({ code, k, yes, no }, from) => {
    const distance = (label: string | undefined) => {
      if (label === undefined) return 0;
      const between = program.findIndex((line) => line.label === label) - from - 1;
      if (between >= 0 && between <= MAXIMUM_DISTANCE) return between;
      const message = `socket filter: line ${from} cannot jump to ${label}, which is not among the next lines`;
      throw new OrbError('INTERNAL', { message });
    };
    return { code, k, jt: distance(yes), jf: distance(no) };
  });
}
