// nftables of one namespace: through libnftables transactions of nft(8) commands and tables as JSON, through netlink the rules of a
// table.

import { OrbError } from '#base';
import type { NftRule } from '#net';
import { type NftContext, openNftContext } from './ffi/libnftables.ts';
import { decodeNftRule, getNftRules, NETLINK_NETFILTER } from './netlink/nftables.ts';
import { NetlinkSocket } from './netlink/socket.ts';
import { inNetns, type NetnsHandle } from './netns.ts';

/**
 * libnftables gives up when a signal comes, as SIGTERM may while a pod is served, and leaves open whether the transaction took
 * effect: commands must be such that they can be repeated.
 */
const INTERRUPTED = 'Interrupted system call';
const ATTEMPTS = 20;

/** The ruleset of a namespace. The library is loaded and its context made when first used. */
export class Nftables {
  readonly #netns: NetnsHandle;
  #context: NftContext | undefined;
  #socket: NetlinkSocket | undefined;

  constructor(netns: NetnsHandle) {
    this.#netns = netns;
  }

  /** Runs the commands as one transaction: all or none take effect. */
  run(commands: string): void {
    const { ok, error } = this.#run(commands);
    if (!ok) throw refused('change nftables', 'nftables', error);
  }

  /** What `nft -j list table` prints, parsed; undefined where the table is absent. */
  table(family: string, table: string): unknown {
    const subject = `table ${family} ${table}`;
    const { ok, output, error } = this.#run(`list ${subject}`);
    if (ok) return JSON.parse(output);
    if (error.includes('No such file or directory')) return undefined;
    throw refused(`list ${subject}`, subject, error);
  }

  /** The rules of a table of family inet, in one round trip. */
  rules(table: string): NftRule[] {
    this.#socket ??= inNetns(this.#netns, () => new NetlinkSocket(this.#netns.path, NETLINK_NETFILTER));
    return this.#socket.dump(getNftRules(table), decodeNftRule);
  }

  /** Inside the window, because the library opens sockets for names of interfaces as it goes. */
  #run(commands: string): { ok: boolean; output: string; error: string } {
    return inNetns(this.#netns, () => {
      this.#context ??= openNftContext();
      for (let attempt = 1; ; attempt++) {
        const outcome = this.#context.run(commands);
        if (outcome.ok || attempt === ATTEMPTS || !outcome.error.includes(INTERRUPTED)) return outcome;
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

function refused(doing: string, subject: string, said: string): OrbError {
  return new OrbError('KERNEL_REFUSED', { message: `cannot ${doing}`, subject, said });
}
