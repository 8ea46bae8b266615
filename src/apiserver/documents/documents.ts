// All served paths except resources: discovery, OpenAPI, version, health.

import type { ServerResponse } from 'node:http';
import { sendJson, sendText } from '../http/index.ts';
import type { Json } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { TypeTable } from '../schema/index.ts';
import { discovery } from './discovery.ts';
import { OPENAPI_V2_TYPE, openApiV2, openApiV2Json } from './openapi-v2.ts';
import { openApiDocument, openApiIndex } from './openapi-v3.ts';

const version: Json = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+orbweaver',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: 'linux/amd64',
};

const healthPaths = new Set([
  '/healthz',
  '/livez',
  '/readyz',
  '/healthz/ping',
  '/livez/ping',
  '/readyz/ping',
]);

/** Serves documents. It caches those made from the registry until the registry changes. */
export class Documents {
  readonly #registry: Registry;
  readonly #types: TypeTable;
  readonly #cache = new Map<string, Buffer>();
  #generation = -1;

  constructor(registry: Registry, types: TypeTable) {
    this.#registry = registry;
    this.#types = types;
  }

  /** Whether `asked` was the path of a document. One more slash at its end is ignored: the Python client sends it. */
  serve(response: ServerResponse, asked: string, accept: string): boolean {
    const path = asked.replace(/\/$/, '');
    if (healthPaths.has(path)) sendText(response, 200, 'ok');
    else if (path === '/version') sendJson(response, 200, version);
    else if (path === '/openapi/v2') this.#openApiV2(response, accept);
    else if (path === '/openapi/v3')
      this.#json(response, path, () => openApiIndex(this.#registry, this.#types));
    else if (path.startsWith('/openapi/v3/')) {
      return this.#json(response, path, () =>
        openApiDocument(this.#registry, this.#types, path.slice('/openapi/v3/'.length)),
      );
    } else return this.#discovery(response, path, accept);
    return true;
  }

  #discovery(response: ServerResponse, path: string, accept: string): boolean {
    const document = discovery(this.#registry, path, accept);
    if (document === undefined) return false;
    const bytes = Buffer.from(JSON.stringify(document.body));
    response.writeHead(200, {
      'content-type': document.type,
      'content-length': bytes.length,
      vary: 'Accept',
    });
    response.end(bytes);
    return true;
  }

  #openApiV2(response: ServerResponse, accept: string): void {
    if (!accept.includes('protobuf')) {
      this.#json(response, '/openapi/v2', () => openApiV2Json(this.#registry, this.#types));
      return;
    }
    const bytes = this.#cached('/openapi/v2 protobuf', () => openApiV2(this.#registry, this.#types));
    response.writeHead(200, { 'content-type': OPENAPI_V2_TYPE, 'content-length': bytes.length });
    response.end(bytes);
  }

  #json(response: ServerResponse, path: string, make: () => Json | undefined): boolean {
    const known = this.#cached(path, () => {
      const body = make();
      return body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    });
    if (known.length === 0) return false;
    sendJson(response, 200, known);
    return true;
  }

  #cached(key: string, make: () => Buffer): Buffer {
    if (this.#generation !== this.#registry.generation) {
      this.#cache.clear();
      this.#generation = this.#registry.generation;
    }
    const known = this.#cache.get(key) ?? make();
    // Only served paths are cached, because a client may ask for any path.
    if (known.length > 0) this.#cache.set(key, known);
    return known;
  }
}
