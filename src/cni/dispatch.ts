// From a request to an answer: checks what every verb shares, calls the plugin, words the outcome.

import {
  type AttachmentEnvironment,
  type CniEnvironment,
  cniErrorBody,
  isAttachmentEnvironment,
  parseCniEnvironment,
  parseNetConf,
  requireVersion,
  type SupportedVersion,
  supportedVersions,
  versionOf,
  writeResult,
} from '#api';
import { isOrbError, type Logger, OrbError } from '#base';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from './plugin.ts';
import type { CniAnswer, CniRequest } from './request.ts';

/** Serves requests of the given types. */
export class Dispatcher {
  readonly #plugins: ReadonlyMap<string, CniPlugin>;
  readonly #isOwnNetns: (path: string) => boolean;

  /** @param isOwnNetns whether a path is the agent's own network namespace: the host's */
  constructor(plugins: readonly CniPlugin[], isOwnNetns: (path: string) => boolean) {
    this.#plugins = new Map(plugins.map((plugin) => [plugin.type, plugin]));
    this.#isOwnNetns = isOwnNetns;
  }

  get types(): string[] {
    return [...this.#plugins.keys()];
  }

  /** Never throws: a failure becomes an error document. */
  async serve(request: CniRequest, signal: AbortSignal, log: Logger): Promise<CniAnswer> {
    // Until the configuration is read, the oldest version that we speak.
    let version: string = '0.3.0' satisfies SupportedVersion;
    try {
      const plugin = this.#plugins.get(request.type);
      if (plugin === undefined) {
        throw new OrbError('CNI_TYPE_UNKNOWN', {
          message: `type ${JSON.stringify(request.type)} is not one of ${this.types.join(', ')}`,
        });
      }
      const environment = parseCniEnvironment(request.variables);
      if (environment.verb === 'VERSION') return success(versionDocument());
      const conf = parseNetConf(request.stdin);
      version = versionOf(conf);
      this.#refuseOwnNetns(environment);
      return success(await this.#call(plugin, environment, { conf, signal, log }));
    } catch (error) {
      const body = cniErrorBody(error, version);
      const fields = { err: error, cniCode: body.code };
      // A bug of ours deserves its stack in the log; what the user can mend does not.
      if (isOrbError(error) && error.code !== 'INTERNAL')
        log.warn({ ...fields, err: undefined, code: error.code }, body.msg);
      else log.error(fields, body.msg);
      return { exitCode: 1, stdout: `${JSON.stringify(body)}\n`, log: '' };
    }
  }

  async #call(plugin: CniPlugin, environment: CniEnvironment, call: PluginCall): Promise<unknown> {
    switch (environment.verb) {
      case 'ADD': {
        const version = requireVersion(versionOf(call.conf));
        return writeResult(await plugin.add(netnsCall(call, environment)), version);
      }
      case 'CHECK':
        requireVersion(versionOf(call.conf), '0.4.0');
        return plugin.check(netnsCall(call, environment));
      case 'DEL':
        requireVersion(versionOf(call.conf));
        return plugin.del(attachmentCall(call, environment));
      case 'GC':
        requireVersion(versionOf(call.conf), '1.1.0');
        return plugin.gc(call);
      case 'STATUS':
        requireVersion(versionOf(call.conf), '1.1.0');
        return plugin.status(call);
      case 'VERSION':
        return versionDocument();
    }
  }

  /** As libcni's skeleton (pkg/skel): a plugin must not build a pod's network in the host's namespace. */
  #refuseOwnNetns(environment: CniEnvironment): void {
    const { verb, netns, ownNetnsAllowed } = environment;
    if (netns === undefined || ownNetnsAllowed || (verb !== 'ADD' && verb !== 'CHECK')) return;
    if (!this.#isOwnNetns(netns)) return;
    throw new OrbError('CNI_NETNS_OWN', {
      message: `CNI_NETNS ${netns} is the network namespace of the node itself`,
    });
  }
}

function attachmentCall(call: PluginCall, environment: CniEnvironment): AttachmentCall {
  // parseCniEnvironment has refused ADD, DEL and CHECK without these variables.
  return { ...call, environment: environment as AttachmentEnvironment };
}

function netnsCall(call: PluginCall, environment: CniEnvironment): NetnsCall {
  if (environment.netns === undefined || !isAttachmentEnvironment(environment)) {
    throw new OrbError('INTERNAL', { message: `${environment.verb} reached a plugin without CNI_NETNS` });
  }
  return { ...call, environment, netns: environment.netns };
}

/** The answer to VERSION (CNI specification 1.1, section 2). */
function versionDocument() {
  return { cniVersion: supportedVersions.at(-1), supportedVersions };
}

function success(document: unknown): CniAnswer {
  return { exitCode: 0, stdout: document === undefined ? '' : `${JSON.stringify(document)}\n`, log: '' };
}
