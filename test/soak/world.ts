// The objects of the soak's server, and the history of their changes from which watches continue.

import type { ConfigMap } from '#api';
import type { Random } from '#base';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** After a deletion: its last state, with the version of the deletion. */
  readonly object: ConfigMap;
  readonly version: number;
}

/** How many names there are. Some of their objects exist at one time. */
const NAMES = 200;
/** So many changes are kept: two seconds of them. A watch that was away longer gets 410. */
const HISTORY = 400;
/** These objects are large, and are never deleted, so that the memory stays comparable. */
const HUGE_NAMES = 2;
const HUGE_LENGTH = 600_000;
/** Characters of two, three and four bytes, which a chunk may end in. */
const MULTIBYTE = 'ä€𝄞';

export class World {
  readonly objects = new Map<string, ConfigMap>();
  readonly #random: Random;
  readonly #changes: Change[] = [];
  #version = 1000;
  #wake: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
    for (let number = 0; number < HUGE_NAMES; number++) this.#write(`huge-${number}`);
  }

  get version(): number {
    return this.#version;
  }

  /** A watch can begin at this version or at a later one. */
  get oldest(): number {
    return (this.#changes[0]?.version ?? this.#version + 1) - 1;
  }

  /** Changes one object: most often it is written, sometimes it is deleted, or made anew under its name. */
  step(): void {
    const random = this.#random;
    if (random.chance(1 / 400)) {
      this.#write(`huge-${random.below(HUGE_NAMES)}`);
      return;
    }
    const name = `object-${random.below(NAMES)}`;
    const exists = this.objects.has(name);
    if (exists && random.chance(1 / 4)) this.#delete(name);
    // The next change of the same name makes another object of it, while no watch may be open.
    if (!exists || random.chance(3 / 4)) this.#write(name);
  }

  /** The first change after the version. Undefined if there is none yet. */
  after(version: number): Change | undefined {
    // Watches are near the end.
    let at = this.#changes.length;
    while (at > 0 && (this.#changes[at - 1] as Change).version > version) at--;
    return this.#changes[at];
  }

  /** A change that happened before the version. Undefined if none is known any more. */
  earlier(version: number, by: number): Change | undefined {
    const at = this.#changes.findIndex((change) => change.version >= version);
    return this.#changes[Math.max(0, at - by)];
  }

  /** Resolves at the next change. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** Lets everyone look again who waits for a change. */
  awake(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #write(name: string): void {
    const before = this.objects.get(name);
    const version = this.#nextVersion();
    const text = `${MULTIBYTE.repeat(1 + this.#random.below(20))} ${version}`;
    const object: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        namespace: 'soak',
        uid: before?.metadata.uid ?? `uid-${version}`,
        resourceVersion: String(version),
      },
      data: { text, ...(name.startsWith('huge') && { huge: 'x'.repeat(HUGE_LENGTH) }) },
    };
    this.objects.set(name, object);
    this.#add({ type: before === undefined ? 'ADDED' : 'MODIFIED', object, version });
  }

  #delete(name: string): void {
    const before = this.objects.get(name);
    if (before === undefined) return;
    this.objects.delete(name);
    const version = this.#nextVersion();
    const metadata = { ...before.metadata, resourceVersion: String(version) };
    this.#add({ type: 'DELETED', object: { ...before, metadata }, version });
  }

  #nextVersion(): number {
    this.#version += 1 + this.#random.below(3);
    return this.#version;
  }

  #add(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > HISTORY) this.#changes.shift();
    this.awake();
  }
}
