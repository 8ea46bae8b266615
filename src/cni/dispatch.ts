// From a request to an answer: performs the checks that all verbs share, calls the plugin and builds the answer.

import {
  type AttachmentEnvironment,
  type CniEnvironment,
  cniErrorBody,
  isAttachmentEnvironment,
  parseCniEnvironment,
  parseNetConf,
  requireVersion,
  supportedVersions,
  versionAsked,
  versionOf,
  writeResult,
} from '#api';
import { type ErrorCode, isOrbError, type Logger, OrbError } from '#base';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from './plugin.ts';
import type { CniAnswer, CniRequest } from './request.ts';

/** What the dispatcher needs besides the plugins. */
export interface DispatcherOptions {
  /** Whether a path is the agent's own network namespace, which is the node's. */
  readonly isOwnNetns: (path: string) => Promise<boolean>;
  /** Resolves when new attachments can be served. Rejects if the signal aborts first. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** Keeps a DEL that cannot be finished now, durably. The runtime is told that the DEL succeeded. */
  readonly keep: (request: CniRequest, reason: OrbError) => Promise<void>;
}

/** Serves requests of the given types. The name of a type is the name of the executable that the runtime started. */
export class Dispatcher {
  readonly #plugins: ReadonlyMap<string, CniPlugin>;
  readonly #options: DispatcherOptions;

  constructor(plugins: ReadonlyMap<string, CniPlugin>, options: DispatcherOptions) {
    this.#plugins = plugins;
    this.#options = options;
  }

  get types(): string[] {
    return [...this.#plugins.keys()];
  }

  /** Resolves when new attachments can be served. Rejects if the signal aborts first. */
  ready(signal: AbortSignal): Promise<void> {
    return this.#options.ready(signal);
  }

  /** Never throws: an error becomes an error document. */
  async serve(request: CniRequest, signal: AbortSignal, log: Logger): Promise<CniAnswer> {
    try {
      return success(await this.call(request, signal, log));
    } catch (error) {
      return this.refuse(request, error, log);
    }
  }

  /**
   * The answer to a request that failed, possibly before its turn came. A DEL that can wait is kept, and the runtime is
   * told that it succeeded.
   */
  async refuse(request: CniRequest, error: unknown, log: Logger): Promise<CniAnswer> {
    if (canWait(request, error) && (await this.#keep(request, error, log))) return success(undefined);
    const body = cniErrorBody(error, askedVersion(request));
    // An error in our own code is logged with its stack. An error that the user can correct is not.
    if (isOrbError(error) && error.code !== 'INTERNAL') log.warn({ code: error.code }, body.msg);
    else log.error({ err: error }, body.msg);
    return { exitCode: 1, stdout: `${JSON.stringify(body)}\n`, log: '' };
  }

  /** Whether the DEL is on the disk. If it cannot be written, the runtime must be told to repeat it. */
  async #keep(request: CniRequest, reason: OrbError, log: Logger): Promise<boolean> {
    try {
      await this.#options.keep(request, reason);
    } catch (error) {
      log.error({ err: error }, 'could not queue a DEL');
      return false;
    }
    log.warn({ code: reason.code }, `DEL is queued for later: ${reason.message}`);
    return true;
  }

  /** Serves the request once. The result is written to standard output. */
  async call(request: CniRequest, signal: AbortSignal, log: Logger): Promise<unknown> {
    const plugin = this.#plugins.get(request.type);
    if (plugin === undefined) {
      throw new OrbError('CNI_TYPE_UNKNOWN', {
        message: `type ${JSON.stringify(request.type)} is not one of ${this.types.join(', ')}`,
      });
    }
    const environment = parseCniEnvironment(request.variables);
    if (environment.verb === 'VERSION') return versionDocument();
    const conf = parseNetConf(request.stdin);
    await this.#refuseOwnNetns(environment);
    return this.#verb(plugin, environment, { conf, signal, log });
  }

  async #verb(plugin: CniPlugin, environment: CniEnvironment, call: PluginCall): Promise<unknown> {
    const version = versionOf(call.conf);
    switch (environment.verb) {
      case 'ADD': {
        const answered = requireVersion(version);
        await this.ready(call.signal);
        // The caller may have disconnected while the request waited for its turn, and may have sent the DEL since.
        call.signal.throwIfAborted();
        return writeResult(await plugin.add(netnsCall(call, environment)), answered);
      }
      case 'CHECK':
        requireVersion(version, '0.4.0');
        await this.ready(call.signal);
        return plugin.check(netnsCall(call, environment));
      case 'DEL':
        // DEL is served for every CNI version. Its answer has no format that depends on the version, and the pod's
        // deletion must not hang.
        return plugin.del(attachmentCall(call, environment));
      case 'GC':
        requireVersion(version, '1.1.0');
        return plugin.gc(call);
      case 'STATUS':
        requireVersion(version, '1.1.0');
        return plugin.status(call);
      case 'VERSION':
        return versionDocument();
    }
  }

  /**
   * The same check as in libcni's skeleton (pkg/skel): a plugin must not build a pod's network in the host's namespace.
   */
  async #refuseOwnNetns(environment: CniEnvironment): Promise<void> {
    const { verb, netns, ownNetnsAllowed } = environment;
    if (netns === undefined || ownNetnsAllowed || (verb !== 'ADD' && verb !== 'CHECK')) return;
    if (!(await this.#options.isOwnNetns(netns))) return;
    throw new OrbError('CNI_NETNS_OWN', {
      message: `CNI_NETNS ${netns} is the network namespace of the node itself`,
    });
  }
}

/**
 * Errors that end by themselves, or when somebody repairs the cluster or a mount. Meanwhile, a pod's deletion must not
 * hang, and its address must not be forgotten.
 */
const passing: readonly ErrorCode[] = [
  'KUBE_UNREACHABLE',
  'DEADLINE_PASSED',
  'REQUEST_STUCK',
  'NETNS_UNREACHABLE',
  'KUBE_FORBIDDEN',
  'KUBE_INVALID',
  'KUBE_MALFORMED',
  'IPPOOL_INVALID',
  'IPPOOL_STATUS_INVALID',
  'IAAS_UNREACHABLE',
  'IAAS_REFUSED',
  'IAAS_ANSWER_INVALID',
];

/** Only a DEL can be kept for later: nobody needs its answer. */
function canWait(request: CniRequest, error: unknown): error is OrbError {
  return request.variables.CNI_COMMAND === 'DEL' && isOrbError(error) && passing.includes(error.code);
}

/**
 * The CNI version for the error document: the version in the configuration, if there is one, even if another field is
 * invalid.
 */
function askedVersion({ stdin }: CniRequest): string {
  return versionAsked(stdin) ?? supportedVersions[0];
}

function attachmentCall(call: PluginCall, environment: CniEnvironment): AttachmentCall {
  // parseCniEnvironment has already refused ADD, DEL and CHECK without these variables.
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
