// An API server that serves one kind as badly as a server, a proxy and a network can together.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Random, systemClock } from '#base';
import {
  bookmarkLine,
  brokenLine,
  errorLine,
  line,
  refusedLine,
  type WatchFault,
  watchFaults,
} from './watch-faults.ts';
import type { Change, World } from './world.ts';

/** For each change and watch. With 200 changes a second, there are two faults a second. */
const FAULTS_PER_CHANGE = 1 / 100;
const BOOKMARKS_PER_CHANGE = 1 / 50;
/** For each list and each begin of a watch. */
const REFUSALS_PER_REQUEST = 1 / 6;
/** Pages may be smaller than the client allows. */
const PAGE_SIZE = 60;
const REMEMBERED_LISTS = 40;

export class FaultyServer {
  /** Without faults, the server behaves. */
  calm = false;
  /** How often each fault happened. */
  readonly faults = new Map<string, number>();
  /** What a client did that no client may do. */
  readonly complaints: string[] = [];
  readonly #world: World;
  readonly #random: Random;
  readonly #server: Server;
  /** Snapshots behind `continue`. */
  readonly #lists = new Map<string, { readonly items: readonly object[]; readonly version: number }>();
  #stalls = new AbortController();
  #listCount = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#server = createServer((request, response) => {
      response.on('error', () => {});
      void this.#serve(request, response);
    });
  }

  async start(): Promise<URL> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#world.awake();
    await once(this.#server, 'close');
  }

  /** Ends all faults, until {@link FaultyServer.rage}. */
  quiet(): void {
    this.calm = true;
    this.#stalls.abort(new Error('the server is calm'));
  }

  rage(): void {
    this.calm = false;
    this.#stalls = new AbortController();
  }

  async #serve({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const query = new URL(url, 'http://server').searchParams;
    const isWatch = query.get('watch') === 'true';
    if (!this.calm && this.#random.chance(REFUSALS_PER_REQUEST)) {
      if (this.#refuse(response, isWatch)) return;
    }
    if (isWatch) await this.#watch(query.get('resourceVersion') ?? '', response);
    else this.#list(query.get('continue'), response);
  }

  /** Whether the request was answered. */
  #refuse(response: ServerResponse, isWatch: boolean): boolean {
    const answers: readonly [string, () => unknown][] = [
      ['a reset before an answer', () => response.destroy()],
      ['503 with Retry-After', () => response.writeHead(503, { 'retry-after': '0' }).end('{}')],
      ['429', () => response.writeHead(429).end('{"reason":"TooManyRequests"}')],
      ['500 as text', () => response.writeHead(500).end('panic')],
      ['404', () => response.writeHead(404).end('{"reason":"NotFound"}')],
      ['403', () => response.writeHead(403).end('{"reason":"Forbidden"}')],
      ['410', () => response.writeHead(410).end('{"reason":"Expired"}')],
      ['a page of a proxy', () => response.writeHead(200).end('<html>log in</html>\n')],
      ['an empty object', () => response.writeHead(200).end('{}\n')],
      ['a list without version', () => response.writeHead(200).end('{"items":[],"metadata":{}}\n')],
      ['half an answer', () => this.#half(response)],
    ];
    const [name, answer] = answers[this.#random.below(answers.length)] as (typeof answers)[number];
    this.#count(`${isWatch ? 'watch' : 'list'}: ${name}`);
    answer();
    return true;
  }

  #half(response: ServerResponse): void {
    response.writeHead(200);
    response.write('{"kind":"ConfigMapList","metadata":{"resourceVersion":"9"},"items":[');
    setImmediate(() => response.destroy());
  }

  #list(next: string | null, response: ServerResponse): void {
    const key = next?.split(':')[0] ?? `${++this.#listCount}`;
    const from = Number(next?.split(':')[1] ?? 0);
    if (next === null) {
      this.#lists.set(key, { items: [...this.#world.objects.values()], version: this.#world.version });
      const [oldest = ''] = this.#lists.keys();
      if (this.#lists.size > REMEMBERED_LISTS) this.#lists.delete(oldest);
    }
    const list = this.#lists.get(key);
    if (list === undefined || (next !== null && !this.calm && this.#random.chance(1 / 30))) {
      response.writeHead(410).end('{"reason":"Expired","code":410}');
      return;
    }
    const rest = from + PAGE_SIZE < list.items.length ? `${key}:${from + PAGE_SIZE}` : '';
    const metadata = { resourceVersion: String(list.version), ...(rest !== '' && { continue: rest }) };
    const items = list.items.slice(from, from + PAGE_SIZE);
    response.writeHead(200).end(JSON.stringify({ kind: 'ConfigMapList', apiVersion: 'v1', metadata, items }));
  }

  async #watch(from: string, response: ServerResponse): Promise<void> {
    if (!/^[1-9]\d*$/.test(from)) this.complaints.push(`a watch begins at version "${from}"`);
    response.writeHead(200);
    response.flushHeaders();
    let at = Number(from);
    while (!response.destroyed && !response.writableEnded) {
      if (at < this.#world.oldest) {
        this.#count('watch: too old');
        response.end(`${errorLine(410)}\n`);
        return;
      }
      const change = this.#world.after(at);
      if (change === undefined) {
        if (this.calm || this.#random.chance(BOOKMARKS_PER_CHANGE))
          await this.#send(response, bookmarkLine(at));
        await this.#world.next();
        continue;
      }
      at = change.version;
      const fault = !this.calm && this.#random.chance(FAULTS_PER_CHANGE) ? this.#pickFault() : undefined;
      if (fault === undefined) await this.#send(response, line(change));
      else at = await this.#harm(fault, change, response);
    }
  }

  #pickFault(): WatchFault {
    const fault = watchFaults[this.#random.below(watchFaults.length)] as WatchFault;
    this.#count(`watch: ${fault}`);
    return fault;
  }

  /** Resolves with the version up to which everything was sent. */
  async #harm(fault: WatchFault, change: Change, response: ServerResponse): Promise<number> {
    const random = this.#random;
    const whole = line(change);
    const half = whole.slice(0, 1 + random.below(whole.length - 1));
    const { version } = change;
    switch (fault) {
      case 'reset before the change':
        response.destroy();
        break;
      case 'reset after the change':
        await this.#send(response, whole);
        response.destroy();
        break;
      case 'half a line, then a reset':
        response.write(half);
        setImmediate(() => response.destroy());
        await once(response, 'close');
        break;
      case 'half a line, then the end':
        response.end(half);
        break;
      case 'the end':
        response.end();
        break;
      case 'a broken line in place of the change':
        await this.#send(response, brokenLine(random));
        break;
      case 'a state that the schema refuses, then the change':
        await this.#send(response, refusedLine(change));
        if (change.type !== 'DELETED') await this.#send(response, whole);
        break;
      case 'the same change twice':
        await this.#send(response, whole);
        await this.#send(response, whole);
        break;
      case 'an earlier change again': {
        await this.#send(response, whole);
        const earlier = this.#world.earlier(version, 1 + random.below(100));
        if (earlier !== undefined) await this.#send(response, line(earlier));
        break;
      }
      case 'two changes in the wrong order': {
        const second = this.#world.after(version);
        // Both in one chunk: between them, no client could know that one is missing.
        response.write(`${second === undefined ? '' : `${line(second)}\n`}${whole}\n`);
        return second?.version ?? version;
      }
      case 'an ERROR with 410':
      case 'an ERROR with 500':
        response.end(`${errorLine(fault.endsWith('410') ? 410 : 500)}\n`);
        break;
      case 'a stall, then the change':
        await this.#stall();
        await this.#send(response, whole);
        break;
      case 'a stall, then a reset':
        await this.#stall();
        response.destroy();
        break;
    }
    return version;
  }

  async #stall(): Promise<void> {
    await systemClock.sleep(this.#random.between(200, 3000), this.#stalls.signal).catch(() => {});
  }

  /** Sends a line, in chunks that end anywhere, also within a character. */
  async #send(response: ServerResponse, text: string): Promise<void> {
    const bytes = Buffer.from(`${text}\n`);
    const pieces = bytes.length < 20_000 && this.#random.chance(1 / 20) ? 1 + this.#random.below(5) : 1;
    const size = Math.ceil(bytes.length / pieces);
    for (let from = 0; from < bytes.length && !response.destroyed; from += size) {
      const goesOn = response.write(bytes.subarray(from, from + size));
      if (pieces > 1) await new Promise((resolve) => setImmediate(resolve));
      if (!goesOn && !response.destroyed)
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }
}
