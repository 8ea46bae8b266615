// Calls a webhook: sends an AdmissionReview over HTTPS, within the webhook's timeout (admission.k8s.io/v1).

import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { isObject, type Json, type JsonObject, objectAt, stringAt } from '../json.ts';
import type { Destination } from './destination.ts';

/** A longer answer is invalid (k8s.io/apiserver reads 3 MiB of a request). */
const MAXIMUM_ANSWER_BYTES = 3 * 1024 * 1024;

/** How a webhook is called. */
export interface WebhookCall {
  readonly destination: Destination;
  /** PEM. When absent, the machine's own certificate authorities count. */
  readonly authority: string | undefined;
  readonly timeoutSeconds: number;
}

/** The webhook's response to `request`. Rejects with a message when no valid response arrives in time. */
export async function callWebhook(call: WebhookCall, request: JsonObject): Promise<JsonObject> {
  const { timeoutSeconds, destination } = call;
  const review = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request };
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  let text: string;
  try {
    text = await post(call, JSON.stringify(review), signal);
  } catch (error) {
    const why = signal.aborted ? `no answer within ${timeoutSeconds}s` : (error as Error).message;
    throw new Error(`failed to call webhook: Post "${destination.url}?timeout=${timeoutSeconds}s": ${why}`, {
      cause: error,
    });
  }
  return responseOf(text, request);
}

function responseOf(text: string, { uid }: JsonObject): JsonObject {
  let answer: Json;
  try {
    answer = JSON.parse(text) as Json;
  } catch {
    throw new Error(`the answer is not JSON: ${JSON.stringify(text.slice(0, 100))}`);
  }
  const said = `${stringAt(answer, 'apiVersion') ?? ''}, Kind=${stringAt(answer, 'kind') ?? ''}`;
  if (said !== 'admission.k8s.io/v1, Kind=AdmissionReview')
    throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${said}`);
  if (!isObject(answer) || !isObject(answer.response)) throw new Error('webhook response was absent');
  const response = objectAt(answer, 'response');
  if (response.uid !== uid)
    throw new Error(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`,
    );
  return response;
}

function post(
  { destination, authority, timeoutSeconds }: WebhookCall,
  body: string,
  signal: AbortSignal,
): Promise<string> {
  const { host, port, path, serverName } = destination;
  const options = {
    host,
    port,
    path: `${path}${path.includes('?') ? '&' : '?'}timeout=${timeoutSeconds}s`,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': Buffer.byteLength(body),
    },
    ...(authority !== undefined && { ca: authority }),
    // An IP address is not a valid server name (RFC 6066 §3).
    ...(isIP(serverName) === 0 && { servername: serverName }),
    agent: false as const,
    signal,
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(options, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAXIMUM_ANSWER_BYTES)
          request.destroy(new Error(`the answer is longer than ${MAXIMUM_ANSWER_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`the answer is HTTP ${response.statusCode}: ${text.slice(0, 200)}`));
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}
