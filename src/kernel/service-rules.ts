// The nftables table of Services in the namespace of this process, and the UDP flows that its rules have led somewhere.
// With thousands of Services a transaction takes long, so libnftables works on another thread.

import { refusal } from '#net';
import { type FrontObjects, heldFronts, listings, removalCommands, SERVICE_TABLE } from '#plan/service-rules';
import { describeErrno, type NftAnswer, type NftContext, openNftContext } from './ffi/index.ts';
import {
  decodeNftRule,
  decodeUdpFlow,
  deleteFlow,
  type FollowedFlow,
  getNftRules,
  getUdpFlows,
  NETLINK_NETFILTER,
  NetlinkSocket,
} from './netlink/index.ts';
import { isInterrupted, isMissing, nftRefused } from './nft.ts';

const ENOENT = 2;

/** Calls must not overlap: wait for each. */
export class ServiceRules {
  #context: NftContext | undefined;
  #socket: NetlinkSocket | undefined;

  /** The Services that the table has. Empty if there is no table, or one of another version. */
  async held(): Promise<Map<string, FrontObjects>> {
    const answers: unknown[] = [];
    for (const command of listings) {
      const answer = await this.#run(command);
      if (isMissing(answer)) return new Map();
      if (!answer.ok) throw nftRefused(command, SERVICE_TABLE, answer.error);
      answers.push(JSON.parse(answer.output));
    }
    return heldFronts(answers);
  }

  /** One transaction: all commands take effect, or none. */
  async write(commands: readonly string[]): Promise<void> {
    if (commands.length === 0) return;
    const answer = await this.#run(`${commands.join('\n')}\n`);
    if (!answer.ok) throw nftRefused('write the rules of Services', SERVICE_TABLE, answer.error);
  }

  /** Whether the rules are in the hooks of the kernel. Other programs may have removed all tables. */
  isThere(): boolean {
    return this.#netfilter().dump(getNftRules(SERVICE_TABLE, 'prerouting'), decodeNftRule).length > 0;
  }

  async remove(): Promise<void> {
    await this.write(removalCommands);
  }

  async #run(commands: string): Promise<NftAnswer> {
    this.#context ??= openNftContext();
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#context.runElsewhere(commands);
      if (!isInterrupted(answer, attempt)) return answer;
    }
  }

  udpFlows(): FollowedFlow[] {
    const socket = this.#netfilter();
    return ([4, 6] as const).flatMap((family) => socket.dump(getUdpFlows(family), decodeUdpFlow));
  }

  /** The kernel forgets the flows: their next packets are judged by the rules of now. Returns how many there were. */
  endFlows(flows: readonly FollowedFlow[]): number {
    const answers = this.#netfilter().change(flows.map(deleteFlow));
    const refused = answers.find(({ errno }) => errno !== 0 && errno !== ENOENT);
    if (refused !== undefined) {
      const doing = 'end a UDP flow whose backend is gone';
      const { errno, extAck } = refused;
      throw refusal({ doing, subject: 'conntrack', ...describeErrno(errno), extAck });
    }
    return answers.filter(({ errno }) => errno === 0).length;
  }

  #netfilter(): NetlinkSocket {
    this.#socket ??= new NetlinkSocket('this node', NETLINK_NETFILTER);
    return this.#socket;
  }

  close(): void {
    this.#context?.close();
    this.#context = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }
}
