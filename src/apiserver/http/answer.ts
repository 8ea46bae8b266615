// Answers: the form that the client accepts, and its bytes.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Json } from '../json.ts';
import { StatusError } from '../status.ts';
import type { IncludeObject } from '../table/index.ts';

/** The form of an answer that the client wants. */
export type Form = { readonly as: 'object' } | { readonly as: 'table'; readonly include: IncludeObject };

/** Reads Accept: JSON or a Table in JSON; 406 when the client takes neither. */
export function acceptedForm(accept: string | undefined, query: URLSearchParams): Form {
  for (const range of (accept ?? '*/*').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (!['application/json', 'application/*', '*/*', ''].includes(type)) continue;
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3);
    if (as === undefined) return { as: 'object' };
    const version = parameters.find((parameter) => parameter.startsWith('v='))?.slice(2);
    if (as !== 'Table' || version !== 'v1') continue;
    const include = query.get('includeObject');
    return { as: 'table', include: include === 'None' || include === 'Object' ? include : 'Metadata' };
  }
  const message =
    'only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io';
  throw new StatusError(406, 'NotAcceptable', message);
}

/** Sends `body` as JSON with the warnings of the request. */
export function sendJson(
  response: ServerResponse,
  code: number,
  body: Json | Buffer,
  warnings: readonly string[] = [],
): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(`${JSON.stringify(body)}\n`);
  const headers: Record<string, string | number | string[]> = {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-cache, private',
  };
  if (warnings.length > 0) headers.warning = warningLines(warnings);
  response.writeHead(code, headers);
  response.end(bytes);
}

/** Confirms that the request is done; the answer has no other content. */
export function sendDone(response: ServerResponse, code: number): void {
  sendJson(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code });
}

/** Upstream's limits (k8s.io/apiserver warning recorder), which keep the headers readable for clients. */
const maximumWarnings = { characters: 256, lines: 16 };

/** RFC 7234 §5.5: code 299, agent "-". Headers carry ASCII only. */
function warningLines(warnings: readonly string[]): string[] {
  const shown = warnings.slice(0, maximumWarnings.lines).map((text) => {
    return JSON.stringify(text.slice(0, maximumWarnings.characters)).replace(/[^ -~]/g, '?');
  });
  return shown.map((text) => `299 - ${text}`);
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/**
 * The manager's name in managedFields when a client sends no fieldManager.
 * It is the first word of the User-Agent, as upstream.
 */
export function managerOf(request: IncomingMessage, query: URLSearchParams): string {
  return query.get('fieldManager') || (request.headers['user-agent'] ?? 'unknown').split('/')[0] || 'unknown';
}
