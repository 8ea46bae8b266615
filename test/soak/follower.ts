// A reflector and its witness: a second copy of the objects, made from what the handlers are told.

import { type ConfigMap, resources } from '#api';
import { silentLogger, systemClock } from '#base';
import { connect, keyOf, type ObjectChange, Reflector } from '#kube';
import type { World } from './world.ts';

export class Follower {
  /** What the reflector did that no reflector may do. */
  readonly complaints: string[] = [];
  readonly reflector: Reflector<ConfigMap>;
  readonly #told = new Map<string, ConfigMap>();
  readonly #client: ReturnType<typeof connect>;

  constructor(server: URL, random: () => number) {
    const config = { server, tls: {}, authorization: () => undefined, namespace: 'soak' };
    this.#client = connect(config, { log: silentLogger });
    this.reflector = new Reflector({
      client: this.#client,
      type: resources.configMaps,
      selection: { namespace: 'soak' },
      clock: systemClock,
      log: silentLogger,
      random,
    });
    this.reflector.subscribe((change) => this.#hear(change));
    this.reflector.start();
  }

  async stop(): Promise<void> {
    await this.reflector.stop();
    this.#client.close();
  }

  /** How the store, and what was told, differ from the world. Empty if they do not. */
  differences({ objects }: World): string[] {
    const { store } = this.reflector;
    const names = new Set([...objects.keys(), ...store.list().map(({ metadata }) => metadata.name ?? '')]);
    for (const { metadata } of this.#told.values()) names.add(metadata.name ?? '');
    return Array.from(names, (name) => {
      const states = [objects.get(name), store.get(name, 'soak'), this.#told.get(`soak/${name}`)].map(
        stateText,
      );
      const [real, stored, told] = states;
      return real === stored && real === told
        ? ''
        : `${name} is ${real}; the store has ${stored}; told was ${told}`;
    }).filter((text) => text !== '');
  }

  #hear(change: ObjectChange<ConfigMap>): void {
    const key = keyOf(change.object);
    const known = this.#told.get(key);
    const isWrong =
      change.type === 'added'
        ? known !== undefined
        : known === undefined ||
          known.metadata.uid !== change.object.metadata.uid ||
          (change.type === 'changed' && stateText(known) !== stateText(change.before));
    if (isWrong) this.#complain(`${change.type} ${key} was told, but known was ${stateText(known)}`);
    const [before, after] = [known, change.object].map((object) =>
      Number(object?.metadata.resourceVersion ?? 0),
    );
    if (change.type === 'changed' && (after ?? 0) <= (before ?? 0))
      this.#complain(`${key} went back from version ${before} to ${after}`);
    if (change.type === 'deleted') this.#told.delete(key);
    else this.#told.set(key, change.object);
  }

  /** The first ones say enough. */
  #complain(text: string): void {
    if (this.complaints.length < 5) this.complaints.push(text);
  }
}

function stateText(object: ConfigMap | undefined): string {
  return object === undefined ? 'absent' : `${object.metadata.uid} at ${object.metadata.resourceVersion}`;
}
