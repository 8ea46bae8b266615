// nftables of one namespace. libnftables runs transactions of nft(8) commands and reads tables as JSON; netlink reads
// the rules of a table.

import { OrbError } from '#base';
import type { NftRule } from '#net';
import { type NftAnswer, type NftContext, openNftContext } from './ffi/index.ts';
import { decodeNftRule, getNftRules, NETLINK_NETFILTER, NetlinkSocket } from './netlink/index.ts';
import { inNetns, type NetnsHandle } from './netns.ts';

/**
 * libnftables stops when a signal arrives, for example SIGTERM while a pod is served. It is then unknown whether the
 * transaction took effect, so commands must be safe to repeat.
 */
const INTERRUPTED = 'Interrupted system call';
const ATTEMPTS = 20;

export const isInterrupted = ({ ok, error }: NftAnswer, attempt: number) =>
  !ok && attempt < ATTEMPTS && error.includes(INTERRUPTED);

/** What libnftables says of a table, chain or set that does not exist. */
export const isMissing = ({ ok, error }: NftAnswer) => !ok && error.includes('No such file or directory');

/** The ruleset of a namespace. The library is loaded, and its context made, at the first use. */
export class Nftables {
  readonly #netns: NetnsHandle;
  #context: NftContext | undefined;
  #socket: NetlinkSocket | undefined;

  constructor(netns: NetnsHandle) {
    this.#netns = netns;
  }

  /** Runs the commands as one transaction: all of them take effect, or none. */
  run(commands: string): void {
    const { ok, error } = this.#run(commands);
    if (!ok) throw nftRefused('change nftables', 'nftables', error);
  }

  /** The parsed output of `nft -j list table`. Undefined if the table does not exist. */
  table(family: string, table: string): unknown {
    const subject = `table ${family} ${table}`;
    const answer = this.#run(`list ${subject}`);
    if (answer.ok) return JSON.parse(answer.output);
    if (isMissing(answer)) return undefined;
    throw nftRefused(`list ${subject}`, subject, answer.error);
  }

  /** The rules of a table of family inet, in one round trip. */
  rules(table: string): NftRule[] {
    this.#socket ??= inNetns(this.#netns, () => new NetlinkSocket(this.#netns.path, NETLINK_NETFILTER));
    return this.#socket.dump(getNftRules(table), decodeNftRule);
  }

  /** Runs inside the namespace, because the library opens sockets for interface names during the run. */
  #run(commands: string): { ok: boolean; output: string; error: string } {
    return inNetns(this.#netns, () => {
      this.#context ??= openNftContext();
      for (let attempt = 1; ; attempt++) {
        const outcome = this.#context.run(commands);
        if (!isInterrupted(outcome, attempt)) return outcome;
      }
    });
  }

  close(): void {
    this.#context?.close();
    this.#context = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }
}

export function nftRefused(doing: string, subject: string, said: string): OrbError {
  return new OrbError('KERNEL_REFUSED', { message: `cannot ${doing}`, subject, said });
}
