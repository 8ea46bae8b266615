// The real Keystone, Placement, Neutron and Nova, in the namespaces of this process.

import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { Daemon, runProgram, until } from '../../e2e/program.ts';
import {
  type CloudOptions,
  configurationFile,
  databaseFile,
  databases,
  writeConfigurations,
} from './configuration.ts';
import { serveImages } from './image-service.ts';
import { cloudAddress, ports, runFolder } from './place.ts';
import { ownPython, pythonOf, unpacked, wsgi } from './python-program.ts';

export type ServerName = 'keystone' | 'placement' | 'neutron' | 'nova';

/** Nova alone takes seven seconds where nothing else runs. */
const START_TIMEOUT_MS = 180_000;

/** The servers, started from databases that are kept in a folder. */
export class Cloud {
  readonly #root: string;
  readonly #daemons: ReadonlyMap<ServerName, Daemon>;
  #images: Server | undefined;

  /** `root` has the unpacked packages. */
  constructor(root: string, options: CloudOptions) {
    this.#root = root;
    mkdirSync(runFolder, { recursive: true });
    runProgram('ip', ['address', 'add', `${cloudAddress}/32`, 'dev', 'lo']);
    runProgram('ip', ['link', 'set', 'lo', 'up']);
    writeConfigurations(root, options);
    this.#daemons = new Map(
      Object.entries(commandsOf(root, options)).map(([name, argv]) => [
        name as ServerName,
        new Daemon(name, runFolder, argv),
      ]),
    );
  }

  /** Takes databases and keys that {@link keep} has written. */
  restore(folder: string): void {
    for (const name of databases) copyFileSync(join(folder, `${name}.sqlite`), databaseFile(name));
    cpSync(join(folder, 'keys'), join(runFolder, 'keys'), { recursive: true });
  }

  /** Writes databases and keys to a folder. The servers must be stopped. */
  keep(folder: string): void {
    // A server that ends leaves the log of its database beside it.
    this.runOwn('journal.py', ...databases.map(databaseFile));
    for (const name of databases) copyFileSync(databaseFile(name), join(folder, `${name}.sqlite`));
    cpSync(join(runFolder, 'keys'), join(folder, 'keys'), { recursive: true });
  }

  /** Starts the named servers side by side, and resolves when all answer. */
  async start(names: readonly ServerName[]): Promise<void> {
    if (names.includes('nova')) this.#images ??= await serveImages();
    await Promise.all(
      names.map((name) => this.#daemon(name).start(() => answers(ports[name]), START_TIMEOUT_MS)),
    );
    if (names.includes('nova'))
      await until('the metadata service answers', () => answers(ports.metadata), START_TIMEOUT_MS);
  }

  async stop(): Promise<void> {
    for (const daemon of [...this.#daemons.values()].toReversed()) await daemon.stop();
    this.#images?.close();
    this.#images = undefined;
  }

  /** Runs a program of a server to its end, as `keystone-manage`. */
  manage(program: string, ...words: readonly string[]): string {
    const server = program.replace(/-manage$/, '');
    const command = [unpacked(this.#root, program), '--config-file', configurationFile(server), ...words];
    return this.#python(...command);
  }

  /** Runs a file of the folder `python` to its end. */
  runOwn(name: string, ...words: readonly string[]): string {
    return this.#python(ownPython(name), ...words);
  }

  #python(...words: readonly string[]): string {
    const [program, ...before] = pythonOf(this.#root);
    return runProgram(program, [...before, ...words]);
  }

  #daemon(name: ServerName): Daemon {
    const daemon = this.#daemons.get(name);
    if (daemon === undefined) throw new Error(`there is no server ${name}`);
    return daemon;
  }
}

function commandsOf(
  root: string,
  { maximumNics }: CloudOptions,
): Readonly<Record<ServerName, readonly [string, ...string[]]>> {
  const python = pythonOf(root);
  const etc = join(runFolder, 'etc');
  return {
    keystone: wsgi(root, 'keystone-wsgi-public', `${cloudAddress}:${ports.keystone}`, {
      OS_KEYSTONE_CONFIG_DIR: etc,
      OS_KEYSTONE_CONFIG_FILES: 'keystone.conf',
    }),
    placement: wsgi(root, 'placement-api', `${cloudAddress}:${ports.placement}`, {
      OS_PLACEMENT_CONFIG_DIR: etc,
    }),
    neutron: [...python, unpacked(root, 'neutron-server'), '--config-file', configurationFile('neutron')],
    nova: [...python, ownPython('nova_all.py'), configurationFile('nova'), String(maximumNics)],
  };
}

/** Any answer counts, also a refusal. */
async function answers(port: number): Promise<boolean> {
  const answer = await fetch(`http://${cloudAddress}:${port}/`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer !== undefined;
}
