// The programs that serve Services in socket calls, on one cgroup: their maps, loading, attaching, and their end.

import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OrbError } from '#base';
import type { FollowedSocket, Frontend, ServiceCounts, TableChanges } from '#plan/service';
import { closeFd, openForReading } from '../ffi/index.ts';
import { namespacePaths } from '../namespace-paths.ts';
import { endConnectedUdp } from './connected-udp.ts';
import { attachProgram, type Cgroup, effectivePrograms } from './link.ts';
import { BpfMap } from './map.ts';
import { allHooks, type Hook, loadProgram, type ProgramInfo, programInfo } from './program.ts';
import {
  packExempt,
  packFrontends,
  readCounts,
  readExempt,
  readFollowed,
  serviceMaps,
} from './service-maps.ts';
import { servicePrograms } from './service-programs.ts';
import {
  type HeldServices,
  readServiceTables,
  type ServiceMaps,
  writeServiceTables,
} from './service-tables.ts';

export interface BalancerPlace {
  /** A directory of cgroup version 2. The programs serve the processes of it and of all cgroups below. */
  readonly cgroup: string;
  /** A directory in a file system of type bpf, for this balancer alone. What is there outlives the process. */
  readonly pins: string;
}

/** What runs at one socket call. */
export interface HookState {
  readonly hook: Hook;
  /** Whether our program, as this process loaded it, runs there. */
  readonly isOurs: boolean;
  /** Other people's programs that run there. */
  readonly others: readonly ProgramInfo[];
}

export class SocketBalancer {
  readonly #place: BalancerPlace;
  readonly #maps: ServiceMaps;
  readonly #programs: ReadonlyMap<Hook, number>;

  private constructor(place: BalancerPlace, maps: ServiceMaps, programs: ReadonlyMap<Hook, number>) {
    this.#place = place;
    this.#maps = maps;
    this.#programs = programs;
  }

  /**
   * Opens the maps, or makes those that are missing, and loads the programs. Those that are attached already go on as
   * they were. Throws INPUT_INVALID where the place is of another kind, and KERNEL_REFUSED where the kernel cannot do it.
   */
  static open(place: BalancerPlace): SocketBalancer {
    requireFileSystem(place.cgroup, 'cgroup2', place.cgroup);
    requireFileSystem(place.pins, 'bpf', dirname(place.pins));
    mkdirSync(place.pins, { recursive: true, mode: 0o700 });
    const open = (name: keyof typeof serviceMaps) => openMap(name, join(place.pins, `map-${name}`));
    const maps: ServiceMaps = {
      services: open('services'),
      members: open('members'),
      serving: open('serving'),
      affinities: open('affinities'),
      connected: open('connected'),
      sent: open('sent'),
      counted: open('counted'),
      followed: open('followed'),
      exempt: open('exempt'),
    };
    const byName = new Map(Object.entries(maps));
    const programs = allHooks.map(
      (hook) => [hook, loadProgram(hook, servicePrograms[hook], byName)] as const,
    );
    return new SocketBalancer(place, maps, new Map(programs));
  }

  /** What the programs serve now. */
  async services(): Promise<HeldServices> {
    return await readServiceTables(this.#maps);
  }

  /** Each Service keeps its old backends until its new ones are complete. */
  async write(changes: TableChanges): Promise<void> {
    await writeServiceTables(this.#maps, changes);
  }

  /**
   * Attaches the programs. Those of an earlier process are replaced one by one, without a moment in which none runs.
   * Fill the maps before: they may be new.
   */
  async attach(): Promise<void> {
    const fresh = this.#withCgroup((cgroup) =>
      [...this.#programs].filter(([hook, program]) =>
        attachProgram(cgroup, hook, program, this.#linkOf(hook)),
      ),
    );
    // Without this program nobody saw which sockets ended.
    const { followed } = this.#maps;
    if (fresh.some(([hook]) => hook === 'sock_release')) await followed.remove(followed.entries().keys);
  }

  /** Serves all namespaces but these. They are given by their cookies. */
  async exempt(namespaces: ReadonlySet<bigint>): Promise<void> {
    const { exempt } = this.#maps;
    const held = readExempt(exempt.entries());
    await exempt.put(packExempt([...namespaces].filter((cookie) => !held.includes(cookie))));
    await exempt.remove(packExempt(held.filter((cookie) => !namespaces.has(cookie))).keys);
  }

  /**
   * By `frontendKey`, since the maps are there. The key of address `::` and port 0 counts all Services of its protocol.
   * `only`: of these alone, which costs less.
   */
  counts(only?: readonly Frontend[]): Map<string, ServiceCounts> {
    const { counted } = this.#maps;
    return readCounts(only === undefined ? counted.entries() : counted.entriesOf(packFrontends(only)));
  }

  /** The connected UDP sockets that have chosen a backend while the programs were attached. */
  followed(): FollowedSocket[] {
    return readFollowed(this.#maps.followed.entries());
  }

  /** Ends such sockets. Returns how many: those that have gone or speak with somebody else now are left alone. */
  async endSockets(sockets: readonly FollowedSocket[]): Promise<number> {
    return await endConnectedUdp(namespacePaths(), sockets);
  }

  /** Takes the programs from the cgroup, where they are. The maps stay. */
  detach(): void {
    for (const hook of allHooks) rmSync(this.#linkOf(hook), { force: true });
  }

  #linkOf(hook: Hook): string {
    return join(this.#place.pins, `link-${hook}`);
  }

  /** What really runs for processes of the cgroup. */
  state(): HookState[] {
    return this.#withCgroup((cgroup) =>
      [...this.#programs].map(([hook, program]) => {
        const { id } = programInfo(program);
        const all = effectivePrograms(cgroup, hook);
        return {
          hook,
          isOurs: all.some((each) => each.id === id),
          others: all.filter((each) => each.id !== id),
        };
      }),
    );
  }

  #withCgroup<T>(use: (cgroup: Cgroup) => T): T {
    const path = this.#place.cgroup;
    const fd = openForReading(path);
    try {
      return use({ fd, path });
    } finally {
      closeFd(fd);
    }
  }

  /** Ends the use by this process. What is attached goes on. */
  close(): void {
    for (const map of Object.values(this.#maps)) map.close();
    for (const program of this.#programs.values()) closeFd(program);
  }
}

/**
 * Takes the programs from their cgroup and forgets the maps. Sockets keep what they have. Throws INPUT_INVALID where the
 * place is in no file system of type bpf: in a container without that mount, the programs are there, and not to be seen.
 */
export function removeSocketBalancer(pins: string): void {
  requireFileSystem(pins, 'bpf', dirname(pins));
  if (!existsSync(pins)) return;
  for (const hook of allHooks) rmSync(join(pins, `link-${hook}`), { force: true });
  for (const name of Object.keys(serviceMaps)) rmSync(join(pins, `map-${name}`), { force: true });
  // What else is there is not ours.
  if (readdirSync(pins).length === 0) rmdirSync(pins);
}

/** linux/magic.h. */
const fileSystems = { cgroup2: 0x6367_7270, bpf: 0xcafe_4a11 } as const;

function requireFileSystem(subject: string, kind: keyof typeof fileSystems, at: string): void {
  if (existsSync(at) && statfsSync(at).type === fileSystems[kind]) return;
  throw new OrbError('INPUT_INVALID', { message: `${at} is not in a file system of type ${kind}`, subject });
}

/** A map of another shape belongs to another version, whose programs keep it until they are replaced. */
function openMap(name: keyof typeof serviceMaps, pin: string): BpfMap {
  const shape = serviceMaps[name];
  const pinned = BpfMap.pinned(pin, shape);
  if (pinned !== undefined) return pinned;
  const map = BpfMap.create(shape);
  rmSync(pin, { force: true });
  map.pin(pin);
  return map;
}
