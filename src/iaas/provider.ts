// The client of a provider: it binds addresses of pods to NICs of nodes in a cloud, and lets them go.

import type { AgentConfig } from '#api';
import { type Clock, type Logger, msLeft, OrbError } from '#base';
import { Connections, type HttpRequest, readBody, type TlsIdentity } from '#http';
import { formatAddress } from '#ip';
import { type BoundAddress, bindingBody, readBinding, releaseBody } from '#plan/iaas';
import type { ProvidedLink } from '#plan/ipam';
import { Silence } from './silence.ts';
import { readTls, type TlsFiles } from './tls-files.ts';

export interface IaasProviderOptions {
  /** Empty: there is no provider. */
  readonly serverUrl: string;
  /** How long an answer is waited for at most. */
  readonly timeoutMs: number;
  readonly tls: TlsFiles;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the configuration says. */
export function providerOptions({
  iaasNetworkProvider: { serverUrl, httpRequestTimeout: timeoutMs, tls },
}: Pick<AgentConfig, 'iaasNetworkProvider'>): Omit<IaasProviderOptions, 'clock' | 'log'> {
  return { serverUrl, timeoutMs, tls };
}

const API = '/v1/apis/network.iaas.io/ipam';
/** A release that is not answered in this time has a provider that is away. */
const SOON_MS = 4_000;
/** An answer has a few hundred bytes. */
const LONGEST_ANSWER = 1024 * 1024;
/** The longest text of a refusal that becomes a part of a message. */
const SAID_MAXIMUM = 300;

/** One request of the contract. */
interface Question {
  readonly verb: 'allocate-ips' | 'release-ip';
  readonly bound: BoundAddress;
  readonly body: object;
  readonly lifeMs: number;
  readonly signal: AbortSignal;
}

export class IaasProvider {
  readonly #options: IaasProviderOptions;
  /** A provider may bind slowly, but it accepts a release at once. */
  readonly #silences: Readonly<Record<Question['verb'], Silence>>;
  #open: { readonly tls: TlsIdentity; readonly connections: Connections } | undefined;

  constructor(options: IaasProviderOptions) {
    this.#options = options;
    const { clock, timeoutMs } = options;
    this.#silences = {
      'allocate-ips': new Silence(clock, timeoutMs),
      'release-ip': new Silence(clock, SOON_MS),
    };
  }

  /** Whether there is a provider. */
  get isThere(): boolean {
    return this.#options.serverUrl !== '';
  }

  /**
   * Binds the address. A repeat says the same again. After IAAS_REFUSED it is not bound; after IAAS_UNREACHABLE and
   * IAAS_ANSWER_INVALID nobody knows.
   */
  async bind(bound: BoundAddress, signal: AbortSignal): Promise<ProvidedLink> {
    const body = bindingBody(bound);
    return readBinding(
      await this.#ask({ verb: 'allocate-ips', bound, body, lifeMs: this.#life(signal), signal }),
      bound,
    );
  }

  /** Lets the address go. One that is not bound is no error. `patienceMs` is less than the time for an answer. */
  async release(bound: BoundAddress, signal: AbortSignal, patienceMs?: number): Promise<void> {
    const lifeMs = Math.min(this.#life(signal), patienceMs ?? Number.POSITIVE_INFINITY);
    await this.#ask({ verb: 'release-ip', bound, body: releaseBody(bound), lifeMs, signal });
  }

  close(): void {
    this.#open?.connections.close();
    this.#open = undefined;
  }

  /** The time for an answer is never longer than what asks for it may take. */
  #life(signal: AbortSignal): number {
    const { timeoutMs, clock } = this.#options;
    return Math.max(1, Math.floor(Math.min(timeoutMs, msLeft(signal, clock) ?? timeoutMs)));
  }

  /** The body of a successful answer. */
  async #ask(question: Question): Promise<string> {
    const { clock, log } = this.#options;
    const { verb, bound } = question;
    let isRepeat = false;
    const onResend = () => {
      isRepeat = true;
    };
    const request = { ...this.#request(question), onResend };
    const silentSeconds = this.#silences[verb].begin();
    if (silentSeconds !== undefined)
      throw request.failed(`it has answered nobody for ${silentSeconds} s, and another request tries it`);
    const begunMs = clock.monotonic();
    let answer: { readonly status: number; readonly text: string };
    try {
      const response = await this.#connections().open(request);
      answer = { status: response.statusCode ?? 0, text: await readBody(response, request, LONGEST_ANSWER) };
    } catch (error) {
      this.#silences[verb].unanswered(begunMs);
      throw error;
    }
    for (const silence of Object.values(this.#silences)) silence.answered();
    const seconds = Number(((clock.monotonic() - begunMs) / 1000).toFixed(3));
    log.debug(
      { verb, address: formatAddress(bound.address), status: answer.status, seconds },
      'IaaS provider',
    );
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw refusal(question, answer, isRepeat);
  }

  #request({ verb, bound, body, lifeMs, signal }: Question): HttpRequest {
    const { serverUrl } = this.#options;
    const action = actionOf(verb, bound);
    if (!this.isThere) {
      const message = `cannot ${action}: iaasNetworkProvider.serverUrl is empty, and only the provider frees it`;
      throw new OrbError('IAAS_UNREACHABLE', { message, subject: formatAddress(bound.address) });
    }
    const server = new URL(serverUrl);
    return {
      ...{ server, body, lifeMs, signal },
      method: 'POST',
      path: `${API}/${verb}`,
      headers: { 'x-request-timeout-ms': String(lifeMs) },
      // Both requests may be repeated.
      resend: true,
      failed: (said, cause) =>
        new OrbError('IAAS_UNREACHABLE', {
          message: `cannot ${action}: the IaaS provider at ${server.origin} does not answer`,
          subject: formatAddress(bound.address),
          said,
          ...(cause !== undefined && { cause }),
        }),
    };
  }

  /** Those of the certificates that the files have now. */
  #connections(): Connections {
    const tls = readTls(this.#options.tls);
    const known = this.#open;
    if (known !== undefined && sameTls(known.tls, tls)) return known.connections;
    // Requests on the connections before may still run. The idle ones end with the provider's patience.
    this.#open = { tls, connections: new Connections(tls) };
    return this.#open.connections;
  }
}

function sameTls(a: TlsIdentity, b: TlsIdentity): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

function actionOf(verb: Question['verb'], { address, node }: BoundAddress): string {
  const text = formatAddress(address);
  return verb === 'allocate-ips' ? `bind address ${text} to node ${node}` : `release address ${text}`;
}

/**
 * A status of the server's side, or one of a time that is over, does not say whether the request was done. The refusal of a
 * repeat does not say whether the first one was.
 */
function refusal(
  { verb, bound }: Question,
  { status, text }: { status: number; text: string },
  isRepeat: boolean,
): OrbError {
  const isUncertain = status >= 500 || status === 408 || isRepeat;
  const words = text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, SAID_MAXIMUM);
  return new OrbError(isUncertain ? 'IAAS_UNREACHABLE' : 'IAAS_REFUSED', {
    message: `the IaaS provider answered ${status} to ${verb}: cannot ${actionOf(verb, bound)}`,
    subject: formatAddress(bound.address),
    ...(words !== '' && { said: words }),
  });
}
