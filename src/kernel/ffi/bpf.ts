// bpf(2), which libc does not offer by itself, through syscall(2).

import koffi from 'koffi';
import { refusal } from '#net';
import { describeErrno } from './libc.ts';

const syscall: (number: number, command: number, attributes: Uint8Array, size: number) => number = koffi
  .load(null)
  .func('long syscall(long number, int command, uint8_t *attributes, uint32_t size)');

/** asm/unistd.h, SYS_bpf. */
const numbers: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };

/** Where the kernel reads or writes bytes. Keep the buffer as long as the kernel may use the number. */
export function pointerTo(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/**
 * Calls bpf(2) with `union bpf_attr`, which the kernel may write to. Returns a descriptor or 0. Throws KERNEL_REFUSED.
 */
export function callBpf(command: number, attributes: Uint8Array, doing: string, subject: string): number {
  const number = numbers[process.arch];
  if (number === undefined) {
    const words = `bpf(2) has no known number on ${process.arch}`;
    throw refusal({ doing, subject, errno: 'ENOSYS', words });
  }
  const result = syscall(number, command, attributes, attributes.length);
  if (result >= 0) return result;
  throw refusal({ doing, subject, ...describeErrno(koffi.errno()) });
}
