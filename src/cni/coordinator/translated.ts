// CNI types that are older than the coordinator. The coordinator serves them: their options are translated into its own
// (docs/adr/0025, docs/adr/0044).

import {
  type CniResult,
  type CoordinatorConf,
  type NetConf,
  parseRouterConf,
  parseVethConf,
  parseVethHostConf,
  type SpiderCoordinator,
} from '#api';
import { requirePrevResult } from '../chained-result.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from '../plugin.ts';
import { type CoordinatorParts, CoordinatorPlugin } from './coordinator.ts';
import { coordinatorOfRouter } from './router.ts';
import { coordinatorOfVeth } from './veth.ts';
import { coordinatorOfVethHost } from './veth-host.ts';

type CoordinatorOptions = Partial<Omit<CoordinatorConf, 'type'>>;

/**
 * Translates a configuration of the older type, with CNI_IFNAME. Throws INPUT_INVALID, which names the older type's
 * field.
 */
type Translation = (conf: NetConf, interfaceName: string) => CoordinatorOptions;

const translations = {
  veth: (conf) => coordinatorOfVeth(parseVethConf(conf)),
  router: (conf, interfaceName) => coordinatorOfRouter(parseRouterConf(conf), interfaceName),
  'veth-host': (conf) => coordinatorOfVethHost(parseVethHostConf(conf)),
} as const satisfies Readonly<Record<string, Translation>>;

/**
 * Older configurations contain everything that they need. A cluster without a SpiderCoordinator adds nothing to them.
 */
const addsNothing = { status: { phase: 'Synced' } } as SpiderCoordinator;

/**
 * The record of an attachment holds the translation, so that repair and CHECK need only one format. DEL and GC read
 * only the network's name from the configuration: an invalid configuration must not block a pod's deletion.
 */
export class TranslatedPlugin implements CniPlugin {
  readonly #type: keyof typeof translations;
  readonly #coordinator: CoordinatorPlugin;

  constructor(type: keyof typeof translations, parts: CoordinatorParts) {
    this.#type = type;
    this.#coordinator = new CoordinatorPlugin({
      ...parts,
      spiderCoordinator: () => parts.spiderCoordinator() ?? addsNothing,
    });
  }

  async add(call: NetnsCall): Promise<CniResult> {
    return this.#coordinator.add(this.#translated(call));
  }

  del(call: AttachmentCall): Promise<void> {
    return this.#coordinator.del(call);
  }

  async check(call: NetnsCall): Promise<void> {
    return this.#coordinator.check(this.#translated(call));
  }

  gc(call: PluginCall): Promise<void> {
    return this.#coordinator.gc(call);
  }

  status(): Promise<void> {
    return this.#coordinator.status();
  }

  #translated(call: NetnsCall): NetnsCall {
    const { cniVersion, name, prevResult } = call.conf;
    const options = translations[this.#type](call.conf, call.environment.interfaceName);
    requirePrevResult(call);
    return { ...call, conf: { cniVersion, name, prevResult, ...options, type: 'coordinator' } };
  }
}
