// The embedded API server: connects all parts and serves them over HTTP.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, errorText, type Logger } from '#base';
import { Authenticator, ServiceAccountTokens } from './access/index.ts';
import { builtInKinds } from './builtin/index.ts';
import { CustomKinds } from './custom-kinds.ts';
import { Documents } from './documents/index.ts';
import { type ListenAt, Listeners, resourcePath, sendJson, splitUrl } from './http/index.ts';
import type { ApiObject } from './json.ts';
import {
  apiClusterIps,
  cronJobStrategy,
  daemonSetStrategy,
  definitionStrategy,
  deploymentStrategy,
  disruptionBudgetStrategy,
  jobStrategy,
  namespaceStrategy,
  podStrategy,
  priorityClassStrategy,
  replicaSetStrategy,
  type ServiceRanges,
  ServiceStrategy,
  secretStrategy,
  statefulSetStrategy,
  webhookConfigurationStrategy,
} from './kinds/index.ts';
import { type ApiAddress, Lifecycle, Objects, OwnObjects } from './objects/index.ts';
import type { Admission, Strategy } from './ports.ts';
import { ProtobufDecoder } from './protobuf/index.ts';
import { Registry } from './registry.ts';
import { storageName } from './resource.ts';
import { RuleEngine } from './schema/index.ts';
import { noSuchPath, StatusError } from './status.ts';
import { Store } from './store/index.ts';
import { ResourceHandler, unservedKind, Watches } from './verbs/index.ts';
import { WebhookAdmission } from './webhooks/index.ts';

/** The options of the server. */
export interface ApiServerOptions {
  /** The folder of the state. The server makes it when it is missing. */
  readonly dataDirectory: string;
  /** The bearer token of every request. */
  readonly token: string;
  readonly services: ServiceRanges;
  /** The certificate, in PEM, that clients trust. Every namespace gets it in a ConfigMap. */
  readonly authority?: string;
  readonly admission?: Admission;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Events kept for watches before they are compacted. */
  readonly keptEvents?: number;
  /** Called when the disk fails. The process must then end. */
  readonly onDiskFailure: (error: Error) => void;
}

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #objects: Objects;
  readonly #lifecycle: Lifecycle;
  readonly #own: OwnObjects;
  readonly #watches: Watches;
  readonly #documents: Documents;
  readonly #resources: ResourceHandler;
  readonly #authenticator: Authenticator;
  readonly #protobuf: ProtobufDecoder;
  readonly #listeners = new Listeners((request, response) => void this.#serve(request, response));

  constructor(options: ApiServerOptions) {
    const { keptEvents, dataDirectory, onDiskFailure, clock } = options;
    this.#options = options;
    this.#store = new Store({
      directory: dataDirectory,
      onDiskFailure,
      ...(keptEvents !== undefined && { keptEvents }),
    });
    const { types, resources } = builtInKinds();
    const metaSchema = types.get('ObjectMeta');
    const rules = new RuleEngine();
    this.#registry = new Registry(resources);
    new CustomKinds(this.#store, this.#registry, metaSchema).follow();
    const strategies = strategyTable(this.#store, options, rules);
    this.#objects = new Objects({
      store: this.#store,
      registry: this.#registry,
      clock,
      rules,
      metaSchema,
      admission: new WebhookAdmission({
        store: this.#store,
        registry: this.#registry,
        logger: options.logger,
        own: options.admission ?? {},
      }),
      strategyOf: (resource) => strategies.get(storageName(resource)),
    });
    this.#lifecycle = new Lifecycle(this.#objects, options.logger);
    this.#own = new OwnObjects(this.#objects, options.logger, {
      clusterIp: apiClusterIps(options.services)[0] ?? '',
      ...(options.authority !== undefined && { authority: options.authority }),
    });
    this.#watches = new Watches(this.#store, clock);
    this.#documents = new Documents(this.#registry, types);
    const tokens = new ServiceAccountTokens(options.token, this.#store);
    this.#authenticator = new Authenticator(options.token, tokens, clock);
    const [objects, watches, authenticator] = [this.#objects, this.#watches, this.#authenticator];
    this.#resources = new ResourceHandler({ objects, watches, authenticator, tokens });
    this.#protobuf = new ProtobufDecoder();
  }

  /** Makes the first objects, and continues the work that was pending when the server stopped. */
  async start(): Promise<void> {
    await this.#own.start();
    await this.#store.durable();
    this.#lifecycle.start();
  }

  /** Listens in one more place. Returns the port, or 0 for a descriptor. */
  listen(at: ListenAt): Promise<number> {
    return this.#listeners.listen(at);
  }

  /** All stored objects of a kind, for admission. */
  objects(type: { readonly group: string; readonly plural: string }): ApiObject[] {
    return this.#store.list(storageName(type)).map((entry) => entry.object);
  }

  /** Makes the Service `kubernetes`, in front of the addresses where clients reach the API. */
  async advertise(places: readonly ApiAddress[]): Promise<void> {
    await this.#own.advertise(places);
    await this.#store.durable();
  }

  /** Forgets all events so far, as a compaction does. Watches from an older revision get 410. */
  compact(): void {
    this.#store.compact(this.#store.revision);
  }

  /** Answers the running requests, ends the watches, and writes everything to disk. */
  async close(): Promise<void> {
    this.#watches.close();
    const closed = this.#listeners.close();
    await this.#own.close();
    await this.#lifecycle.close();
    await closed;
    await this.#store.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      // Nobody awaits this promise: an error while refusing would end the process.
      await this.#refuse(request, response, error).catch((fault: unknown) => {
        this.#unexpected(request, fault);
        response.destroy();
      });
    }
  }

  async #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    const status = error instanceof StatusError ? error : this.#unexpected(request, error);
    // A refusal reveals state too. For example, an object is gone, or newer than the client expected.
    await this.#store.durable();
    if (response.headersSent) response.destroy();
    else sendJson(response, status.code, status.toObject());
  }

  #unexpected(request: IncomingMessage, error: unknown): StatusError {
    const said = error instanceof Error ? (error.stack ?? error.message) : errorText(error);
    this.#options.logger.error({ method: request.method, url: request.url, error: said }, 'request failed');
    return new StatusError(500, 'InternalError', `Internal error occurred: ${errorText(error)}`);
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = splitUrl(request.url ?? '/');
    const user = this.#authenticator.admit(request);
    const named = resourcePath(path);
    if (named === undefined) {
      if (request.method === 'GET' && this.#documents.serve(response, path, request.headers.accept ?? ''))
        return;
      throw noSuchPath();
    }
    const resource = this.#registry.find(named.group, named.version, named.plural);
    if (resource === undefined) throw unservedKind(named);
    const protobuf = this.#protobuf;
    await this.#resources.serve({ request, response, path: named, query, resource, protobuf, user });
  }
}

function strategyTable(
  store: Store,
  options: ApiServerOptions,
  rules: RuleEngine,
): ReadonlyMap<string, Strategy> {
  return new Map<string, Strategy>([
    ['namespaces.', namespaceStrategy],
    ['pods.', podStrategy],
    ['services.', new ServiceStrategy(store, options.services)],
    ['secrets.', secretStrategy],
    ['deployments.apps', deploymentStrategy],
    ['replicasets.apps', replicaSetStrategy],
    ['statefulsets.apps', statefulSetStrategy],
    ['daemonsets.apps', daemonSetStrategy],
    ['jobs.batch', jobStrategy],
    ['cronjobs.batch', cronJobStrategy],
    ['poddisruptionbudgets.policy', disruptionBudgetStrategy],
    ['priorityclasses.scheduling.k8s.io', priorityClassStrategy],
    ['mutatingwebhookconfigurations.admissionregistration.k8s.io', webhookConfigurationStrategy],
    ['validatingwebhookconfigurations.admissionregistration.k8s.io', webhookConfigurationStrategy],
    ['customresourcedefinitions.apiextensions.k8s.io', definitionStrategy(rules, () => options.clock.now())],
  ]);
}
