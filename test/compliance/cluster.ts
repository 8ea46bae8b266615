// The API server under test: the one that KUBECONFIG names, else the embedded one, started for the run.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type KubeConfig, kubeconfigFile } from '#kube';
import { EmbeddedServer } from '../embedded-server.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of an API, whose form is what the tests are about
export type Body = any;

/** An answer; `body` is parsed where it is JSON. */
export interface Answer {
  readonly code: number;
  readonly body: Body;
  readonly headers: http.IncomingHttpHeaders;
}

/** What goes with a request. */
export interface Sent {
  readonly body?: unknown;
  /** Media type of the body; application/json unless told. */
  readonly type?: string;
  readonly accept?: string;
}

export const mergePatch = 'application/merge-patch+json';
export const jsonPatch = 'application/json-patch+json';
export const strategicPatch = 'application/strategic-merge-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

/** A connection to the server, with a namespace of its own that {@link Cluster.close} removes. */
export class Cluster {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly #config: KubeConfig;
  readonly #agent: http.Agent;
  readonly #server: EmbeddedServer | undefined;
  readonly #folder: string;
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  private constructor(kubeconfig: string, folder: string, server: EmbeddedServer | undefined) {
    this.kubeconfig = kubeconfig;
    this.#folder = folder;
    this.#server = server;
    this.#config = kubeconfigFile(kubeconfig);
    const tls = { keepAlive: true, ...this.#config.tls };
    this.#agent = this.#config.server.protocol === 'https:' ? new https.Agent(tls) : new http.Agent(tls);
    this.namespace = `compliance-${crypto.randomUUID().slice(0, 8)}`;
  }

  static async open(): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'compliance-'));
    const named = process.env.KUBECONFIG;
    const server = named === undefined || named === '' ? await EmbeddedServer.start(folder) : undefined;
    try {
      const cluster = new Cluster(server?.kubeconfig ?? (named as string), folder, server);
      await cluster.must('POST', '/api/v1/namespaces', { body: { metadata: { name: cluster.namespace } } });
      // A real cluster admits pods once the namespace has its service account.
      await cluster.until(cluster.core('serviceaccounts/default'), ({ code }) => code === 200);
      return cluster;
    } catch (error) {
      await server?.stop();
      throw error;
    }
  }

  /** Runs `cleanup` at the end: for what is not in the namespace. */
  later(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    await this.call('DELETE', `/api/v1/namespaces/${this.namespace}`);
    this.#agent.destroy();
    await this.#server?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Path of a core resource in the namespace. */
  core(resource: string): string {
    return `/api/v1/namespaces/${this.namespace}/${resource}`;
  }

  call(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = this.#request(method, path, sent, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = (response.headers['content-type'] ?? '').startsWith('application/json');
          resolve({
            code: response.statusCode ?? 0,
            body: json ? JSON.parse(text) : text,
            headers: response.headers,
          });
        });
        response.on('error', reject);
      });
      request.on('error', reject);
    });
  }

  /** The body of an answer that must be a success. */
  async must(method: string, path: string, sent: Sent = {}): Promise<Body> {
    const { code, body } = await this.call(method, path, sent);
    if (code >= 300) throw new Error(`${method} ${path}: ${code} ${JSON.stringify(body)}`);
    return body;
  }

  /** Events of a watch, until `enough` says so or the server ends it. */
  watch(path: string, enough: (events: readonly Body[]) => boolean, accept?: string): Promise<Body[]> {
    return new Promise((resolve, reject) => {
      const sent = accept === undefined ? {} : { accept };
      const request = this.#request('GET', path, sent, (response) => {
        const events: Body[] = [];
        const lines = createInterface({ input: response });
        lines.on('line', (line) => {
          events.push(JSON.parse(line));
          if (enough(events)) {
            resolve(events);
            request.destroy();
          }
        });
        lines.on('close', () => resolve(events));
        // Ending a watch aborts its stream: what was seen counts.
        lines.on('error', () => resolve(events));
        response.on('error', () => resolve(events));
      });
      request.on('error', reject);
    });
  }

  /** Reads until the object is as it should be, for at most a minute. */
  async until(path: string, fits: (answer: Answer) => boolean): Promise<Answer> {
    const end = performance.now() + 60_000;
    for (;;) {
      const answer = await this.call('GET', path);
      if (fits(answer)) return answer;
      if (performance.now() > end)
        throw new Error(`${path} did not reach the expected state: ${JSON.stringify(answer.body)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Runs kubectl (KUBECTL, or the one on the PATH) in the namespace; stdout and stderr together. */
  kubectl(
    args: readonly string[],
    input = '',
    env: Record<string, string> = {},
  ): Promise<{ code: number; text: string }> {
    const program = process.env.KUBECTL || 'kubectl';
    const all = [
      '--kubeconfig',
      this.kubeconfig,
      '--namespace',
      this.namespace,
      '--cache-dir',
      join(this.#folder, 'cache'),
      ...args,
    ];
    return new Promise((resolve) => {
      const child = execFile(
        program,
        all,
        { env: { ...process.env, ...env }, timeout: 120_000 },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), text: stdout + stderr });
        },
      );
      child.stdin?.end(input);
    });
  }

  #request(
    method: string,
    path: string,
    sent: Sent,
    answer: (response: http.IncomingMessage) => void,
  ): http.ClientRequest {
    const url = this.#config.server;
    const body =
      sent.body === undefined ? '' : typeof sent.body === 'string' ? sent.body : JSON.stringify(sent.body);
    const authorization = this.#config.authorization();
    const headers = {
      accept: sent.accept ?? 'application/json',
      ...(body !== '' && {
        'content-type': sent.type ?? 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
      ...(authorization !== undefined && { authorization }),
    };
    const options = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method,
      path,
      headers,
      agent: this.#agent,
    };
    const request =
      url.protocol === 'https:' ? https.request(options, answer) : http.request(options, answer);
    request.end(body);
    return request;
  }
}
