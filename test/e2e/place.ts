// A place of a test: a network namespace with a process that serves and asks.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ip } from '../fixtures/ip-command.ts';
import type { Call, Calls, Returned } from './place-fixture.ts';

export class Place {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #calls = 0;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.on('message', ({ id, value }: Returned) => {
      this.#waiting.get(id)?.(value);
      this.#waiting.delete(id);
    });
  }

  /**
   * Makes a namespace, linked to the caller's by a veth pair. `addresses` has those of the place, `at` those of this end. The
   * place's default routes lead here.
   */
  static async make(name: string, addresses: readonly string[], at: readonly string[]): Promise<Place> {
    const end = `to-${name}`;
    ip('netns', 'add', name);
    ip('link', 'add', end, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    for (const cidr of at) ip('address', 'add', cidr, 'dev', end, ...(cidr.includes(':') ? ['nodad'] : []));
    ip('link', 'set', end, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    for (const cidr of addresses)
      ip('-n', name, 'address', 'add', cidr, 'dev', 'eth0', ...(cidr.includes(':') ? ['nodad'] : []));
    for (const gateway of at) {
      const [address = ''] = gateway.split('/');
      ip('-n', name, 'route', 'add', 'default', 'via', address, 'dev', 'eth0');
    }
    return await Place.inside(name, ['ip', 'netns', 'exec', name]);
  }

  /** The caller's own namespace. */
  static async here(name: string): Promise<Place> {
    return await Place.inside(name, []);
  }

  private static async inside(name: string, enter: readonly string[]): Promise<Place> {
    const script = join(import.meta.dirname, 'place-fixture.ts');
    const argv = [...enter, process.execPath, script];
    const child = fork(script, { execPath: '/bin/sh', execArgv: ['-c', `exec ${argv.join(' ')}`] });
    await once(child, 'message');
    return new Place(name, child);
  }

  /** Lets the process do it. */
  async call<Name extends keyof Calls>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    const id = this.#calls++;
    const value = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
    this.#child.send({ id, name, args } satisfies Call);
    return (await value) as Awaited<ReturnType<Calls[Name]>>;
  }

  /** Asks so often, and returns how often each answer came. */
  async tally(count: number, host: string, port: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const said = await this.call('tcp', host, port);
      seen[said] = (seen[said] ?? 0) + 1;
    }
    return seen;
  }

  async end(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
