// Runs the verbs on a list of plugins, as libcni does (CNI specification 1.1, section 3).

import {
  type CniResult,
  isAtLeast,
  type NetConfList,
  readResult,
  type SpecVersion,
  specVersions,
  supportedVersions,
  writeResult,
} from '#api';
import { errorText, OrbError } from '#base';
import { type Attachment, variablesOf } from './attachment.ts';
import type { RunPlugin } from './plugin.ts';
import type { CachedAttachment, ResultCache } from './result-cache.ts';

/** The container id and interface of an attachment that GC must keep. */
export type ValidAttachment = Pick<Attachment, 'containerId' | 'interface'>;

/** Runs chains and remembers their results. */
export class Chain {
  readonly #run: RunPlugin;
  readonly #cache: ResultCache;

  constructor(run: RunPlugin, cache: ResultCache) {
    this.#run = run;
    this.#cache = cache;
  }

  /** ADD in order. Each plugin gets the result of the plugin before it. */
  async add(list: NetConfList, attachment: Attachment): Promise<CniResult> {
    const version = versionOf(list);
    let result: CniResult | undefined;
    for (const plugin of list.plugins) {
      const conf = confOf(list, plugin, { attachment, prevResult: result });
      const printed = await this.#run({
        verb: 'ADD',
        type: plugin.type,
        network: list.name,
        variables: variablesOf(attachment),
        conf,
      });
      result = resultOf(printed, version, plugin.type);
    }
    await this.#cache.put(list, attachment, result === undefined ? undefined : written(result, version));
    return result ?? {};
  }

  /** The result of ADD; undefined if it is not cached. */
  async result(list: NetConfList, attachment: Attachment): Promise<CniResult | undefined> {
    const cached = await this.#cache.get(list.name, attachment);
    return resultOf(cached?.result, versionOf(list), list.name);
  }

  /** CHECK in order. Each plugin gets the final result of ADD. */
  async check(list: NetConfList, attachment: Attachment): Promise<void> {
    if (list.disableCheck === true || !isAtLeast(versionOf(list), '0.4.0')) return;
    const cached = await this.#cache.get(list.name, attachment);
    if (cached === undefined) {
      throw new OrbError('LAB_PLUGIN_FAILED', {
        message: `network ${JSON.stringify(list.name)} has no cached result of ${attachment.interface}`,
      });
    }
    for (const plugin of list.plugins) await this.#onAttachment('CHECK', list, plugin, attachment, cached);
  }

  /** DEL in reverse order. It stops at the first error, and the runtime tries again later. */
  async del(list: NetConfList, attachment: Attachment): Promise<void> {
    // Before 0.4.0, DEL had no prevResult.
    const cached = isAtLeast(versionOf(list), '0.4.0')
      ? await this.#cache.get(list.name, attachment)
      : undefined;
    for (const plugin of list.plugins.toReversed()) {
      await this.#onAttachment('DEL', list, plugin, attachment, cached);
    }
    await this.#cache.remove(list.name, attachment);
  }

  /**
   * Removes what belongs to no valid attachment: first DEL of the cached attachments, then GC of every plugin (1.1.0 only). Every step is
   * tried; all errors are thrown together at the end.
   */
  async gc(list: NetConfList, valid: readonly ValidAttachment[]): Promise<void> {
    if (list.disableGC === true) return;
    const errors: unknown[] = [];
    const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => errors.push(error));
    for (const cached of await this.#cache.of(list.name)) {
      if (!isValid(cached, valid)) await attempt(this.del(cached.list, cached.attachment));
    }
    if (isAtLeast(versionOf(list), '1.1.0')) {
      const attachments = valid.map(({ containerId, interface: ifname }) => ({
        containerID: containerId,
        ifname,
      }));
      for (const plugin of list.plugins) {
        const conf = { ...confOf(list, plugin, {}), 'cni.dev/valid-attachments': attachments };
        await attempt(this.#run({ verb: 'GC', type: plugin.type, network: list.name, variables: {}, conf }));
      }
    }
    if (errors.length === 0) return;
    const message = `GC of network ${JSON.stringify(list.name)} failed`;
    throw new OrbError('LAB_PLUGIN_FAILED', { message, said: errors.map(errorText).join('; ') });
  }

  /** STATUS, which exists since version 1.1.0. It throws if a plugin cannot serve ADD now. */
  async status(list: NetConfList): Promise<void> {
    if (!isAtLeast(versionOf(list), '1.1.0')) return;
    for (const plugin of list.plugins) {
      const conf = confOf(list, plugin, {});
      await this.#run({ verb: 'STATUS', type: plugin.type, network: list.name, variables: {}, conf });
    }
  }

  async #onAttachment(
    verb: 'CHECK' | 'DEL',
    list: NetConfList,
    plugin: Plugin,
    attachment: Attachment,
    cached: CachedAttachment | undefined,
  ): Promise<void> {
    const prevResult = resultOf(cached?.result, versionOf(list), plugin.type);
    const conf = confOf(list, plugin, { attachment, prevResult });
    const variables = variablesOf(attachment);
    await this.#run({ verb, type: plugin.type, network: list.name, variables, conf });
  }
}

type Plugin = NetConfList['plugins'][number];

function isValid({ attachment }: CachedAttachment, valid: readonly ValidAttachment[]): boolean {
  return valid.some(
    (one) => one.containerId === attachment.containerId && one.interface === attachment.interface,
  );
}

/** The version of the list. If `cniVersions` offers several, the newest version that we know is used (libcni, conf.go). */
function versionOf(list: NetConfList): SpecVersion {
  return knownVersionOf(list) ?? '0.1.0';
}

function knownVersionOf({ cniVersion, cniVersions = [] }: NetConfList): SpecVersion | undefined {
  const offered = cniVersion === undefined ? cniVersions : [cniVersion, ...cniVersions];
  return specVersions.findLast((version) => offered.includes(version));
}

/** The configuration of a plugin: name and version of its list, what the runtime adds, and the result so far. */
function confOf(
  list: NetConfList,
  plugin: Plugin,
  extra: { readonly attachment?: Attachment; readonly prevResult?: CniResult | undefined },
): Record<string, unknown> {
  const version = versionOf(list);
  const { prevResult, attachment } = extra;
  const runtimeConfig = Object.entries(attachment?.capabilityArgs ?? {}).filter(
    ([capability]) => plugin.capabilities?.[capability] === true,
  );
  return {
    ...plugin,
    name: list.name,
    // A version that we do not know is passed on. The plugin refuses it, and its error names the version.
    cniVersion: knownVersionOf(list) ?? list.cniVersion ?? version,
    ...(runtimeConfig.length > 0 && { runtimeConfig: Object.fromEntries(runtimeConfig) }),
    ...(prevResult !== undefined && { prevResult: written(prevResult, version) }),
  };
}

/** A plugin may answer in another version than that of the request. A result without a version has that of the list. */
function resultOf(printed: unknown, version: SpecVersion, type: string): CniResult | undefined {
  if (printed === undefined || printed === null) return undefined;
  const said = (printed as { readonly cniVersion?: unknown }).cniVersion;
  const own = specVersions.find((candidate) => candidate === said) ?? version;
  return readResult(printed, own, `result of plugin ${type}`);
}

/** Results before 0.3.0 cannot be chained. We keep them in the oldest version that can. */
function written(result: CniResult, version: SpecVersion): unknown {
  const known = supportedVersions.find((candidate) => candidate === version);
  return writeResult(result, known ?? '0.3.0');
}
