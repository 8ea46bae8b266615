// Writes to the API server and watches its own writes, in its own process. node bench/store-load.ts LOAD (JSON)

import http from 'node:http';

/** The load to generate. */
export interface Load {
  readonly url: string;
  readonly token: string;
  readonly writers: number;
  readonly watchers: number;
  readonly writes: number;
  readonly objectBytes: number;
  /** The prefix of the objects' names. */
  readonly name: string;
}

/** The result. */
export interface Outcome {
  /** The time from the first write until every watcher has the last one. */
  readonly writesPerSecond: number;
  readonly lostEvents: number;
}

const PATH = '/api/v1/namespaces/default/configmaps';
/** The maximum time for events after the last write. */
const PATIENCE_MS = 5000;

class LoadGenerator {
  readonly #load: Load;
  readonly #agent: http.Agent;
  #seen = 0;
  #allSeen: () => void = () => {};

  constructor(load: Load) {
    this.#load = load;
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: load.writers });
  }

  async run(): Promise<Outcome> {
    const { writes, watchers, writers } = this.#load;
    const expected = writes * watchers;
    const everywhere = new Promise<void>((resolve) => {
      this.#allSeen = resolve;
    });
    const version = await this.#version();
    const watches = await Promise.all(Array.from({ length: watchers }, () => this.#watch(version, expected)));
    const began = performance.now();
    let next = 0;
    await Promise.all(
      Array.from({ length: writers }, async () => {
        while (next < writes) await this.#write(next++);
      }),
    );
    await Promise.race([everywhere, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())]);
    const seconds = (performance.now() - began) / 1000;
    for (const watch of watches) watch.destroy();
    this.#agent.destroy();
    return { writesPerSecond: writes / seconds, lostEvents: expected - this.#seen };
  }

  #request(method: string, target: string, agent?: http.Agent): http.ClientRequest {
    const headers = { authorization: `Bearer ${this.#load.token}`, 'content-type': 'application/json' };
    return http.request(this.#load.url + target, {
      method,
      headers,
      ...(agent !== undefined && { agent }),
    });
  }

  async #version(): Promise<string> {
    const text = await read(this.#request('GET', `${PATH}?limit=1`), 200);
    return (JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  }

  #write(index: number): Promise<string> {
    const metadata = { name: `${this.#load.name}-${index}` };
    const data = { filler: 'x'.repeat(this.#load.objectBytes) };
    const request = this.#request('POST', PATH, this.#agent);
    return read(request, 201, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }));
  }

  /** Counts events. Each event is a line. */
  #watch(version: string, expected: number): Promise<http.ClientRequest> {
    const query = `?watch=true&resourceVersion=${version}`;
    const request = this.#request('GET', PATH + query, new http.Agent());
    return new Promise((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        resolve(request);
        response.on('error', () => {}); // it is destroyed at the end
        response.on('data', (chunk: Buffer) => {
          for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.#seen++;
          if (this.#seen === expected) this.#allSeen();
        });
      });
      request.end();
    });
  }
}

function read(request: http.ClientRequest, expected: number, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === expected) resolve(text);
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
    });
    request.end(body);
  });
}

if (import.meta.main) {
  const load = JSON.parse(process.argv[2] ?? '{}') as Load;
  console.log(JSON.stringify(await new LoadGenerator(load).run()));
}
