// This node as a VM that gets NICs for pods: it hands them out, takes them back, and keeps some ready.

import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { NicLedgerFile, VmNics } from '#openstack/own-nics';
import {
  given,
  givenBack,
  type NicKind,
  nicOfOwner,
  nicSupply,
  nicsToMake,
  trimmedNics,
  type VmNic,
  type WarmLimits,
  withNic,
  withRoomFor,
} from '#plan/openstack';

export interface NodeVmParts {
  readonly nics: Pick<VmNics, 'make' | 'tidy' | 'takeAway' | 'forsake' | 'unknown'>;
  readonly file: NicLedgerFile;
  /** Of the NIC of the node itself. */
  readonly networkId: string;
  readonly hasLink: (mac: string) => boolean;
  /** Whether an attachment of this node has the NIC: its owner's name. */
  readonly isLiving: (owner: string) => boolean;
  /** Called with the ports of NICs that an earlier ledger had, when the ledger is new. */
  readonly tellUnknown: (ports: readonly string[]) => void;
  readonly warm: WarmLimits;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when {@link NodeVm.supply} may be another. */
  readonly changed: () => void;
}

/** Between two looks when nothing happens. */
const IDLE_MS = 60_000;
const backOff = { firstMs: 1_000, maximumMs: 60_000 };

export class NodeVm {
  readonly networkId: string;
  readonly #parts: NodeVmParts;
  /** By owner. */
  readonly #makings = new Map<string, Promise<VmNic>>();
  #waked = new AbortController();
  #failure: string | undefined;
  #refusal: string | undefined;
  /** The ledger that was compared with what the VM has. A lost one is replaced by one of another writer. */
  #comparedWriter: string | undefined;

  private constructor(parts: NodeVmParts) {
    this.#parts = parts;
    this.networkId = parts.networkId;
  }

  /** Undoes what an earlier agent has begun, and takes back what ended pods have left. */
  static async open(parts: NodeVmParts): Promise<NodeVm> {
    await parts.nics.forsake();
    await parts.file.update((ledger) => givenBack(ledger, (owner) => !parts.isLiving(owner)));
    return new NodeVm(parts);
  }

  /** The NIC of an owner: the one it has, an idle one, or a new one. Throws the errors of {@link VmNics.make}. */
  nicFor(owner: string, kind: NicKind): Promise<VmNic> {
    // An owner that gave it back meanwhile must be given it again.
    const before = this.#makings.get(owner);
    if (before !== undefined) return before.then(() => this.nicFor(owner, kind));
    const found = this.#find(owner, kind).finally(() => {
      this.#makings.delete(owner);
      this.#parts.changed();
      // Its pod may have ended meanwhile.
      if (!this.#parts.isLiving(owner)) this.wake();
    });
    this.#makings.set(owner, found);
    found.then(
      () => {
        this.#refusal = undefined;
      },
      // A caller that waits hears of it.
      (error: unknown) => {
        this.#refusal = errorText(error);
      },
    );
    return found;
  }

  /** Why the last pod that needed a NIC got none; undefined: it got one. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Something was given back. */
  wake(): void {
    this.#waked.abort();
  }

  /** What the next pods can have, and the owners of what is taken. */
  async supply(): Promise<{
    readonly ready: number;
    readonly more: number | undefined;
    readonly owners: readonly string[];
  }> {
    const { file, clock } = this.#parts;
    const ledger = await file.read();
    return {
      ...nicSupply(ledger, clock.now()),
      owners: ledger.nics.flatMap(({ owner }) => (owner === null ? [] : owner)),
    };
  }

  /** Keeps NICs ready, and takes away what leaves, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const waits = new BackOff(backOff);
    while (!signal.aborted) {
      this.#waked = new AbortController();
      const failure = await this.#tend().then(
        () => undefined,
        (error: unknown) => errorText(error),
      );
      if (failure === undefined) waits.reset();
      else if (failure !== this.#failure) log.warn({ said: failure }, 'cannot keep NICs for pods in order');
      this.#failure = failure;
      // Whoever comes ends the wait, but not that after a failure.
      const ended = failure === undefined ? AbortSignal.any([signal, this.#waked.signal]) : signal;
      await clock.sleep(failure === undefined ? IDLE_MS : waits.next(), ended).catch(() => {}); // waked, or the agent leaves
    }
  }

  async #tend(): Promise<void> {
    const { nics, file, warm } = this.#parts;
    await this.#takeBack();
    await nics.tidy();
    await file.update((ledger) => trimmedNics(ledger, warm.high));
    await nics.takeAway();
    await this.#findUnknown();
    this.#parts.changed();
    for (const { kind, count } of nicsToMake(await file.read(), warm.low)) {
      for (let i = 0; i < count; i++) await nics.make(kind, null);
    }
  }

  async #findUnknown(): Promise<void> {
    const { nics, file, tellUnknown } = this.#parts;
    const { writer } = await file.read();
    if (writer === this.#comparedWriter) return;
    const ports = await nics.unknown();
    if (ports.length > 0) tellUnknown(ports);
    this.#comparedWriter = writer;
  }

  /** A pod may have ended before its NIC was there. */
  async #takeBack(): Promise<void> {
    const { file, isLiving } = this.#parts;
    await file.update((ledger) =>
      givenBack(ledger, (owner) => !isLiving(owner) && !this.#makings.has(owner)),
    );
  }

  async #find(owner: string, kind: NicKind): Promise<VmNic> {
    const { nics, file, log } = this.#parts;
    const idle = await this.#idle(owner, kind);
    if (idle !== undefined) return idle;
    if ((await file.read()).nics.some(({ state }) => state === 'used')) {
      // One that was given back a moment ago is sooner ready than a new one.
      await nics.tidy().catch((error: unknown) => log.debug({}, errorText(error)));
      const cleaned = await this.#idle(owner, kind);
      if (cleaned !== undefined) return cleaned;
    }
    try {
      return await nics.make(kind, owner);
    } catch (error) {
      // The next try finds room.
      await file.update((ledger) => (ledger.limit === null ? ledger : withRoomFor(ledger, kind)));
      this.#waked.abort();
      throw error;
    }
  }

  /** One that an operator has detached is not handed out. */
  async #idle(owner: string, kind: NicKind): Promise<VmNic | undefined> {
    const { file, hasLink } = this.#parts;
    for (;;) {
      const nic = nicOfOwner(await file.update((ledger) => given(ledger, kind, owner)), owner);
      if (nic?.state !== 'ready' || nic.port === null || hasLink(nic.port.mac)) return nic;
      await file.update((ledger) => withNic(ledger, nic.name, { state: 'leaving', owner: null }));
    }
  }
}
