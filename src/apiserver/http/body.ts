// Reads the body of a request: JSON, or YAML where clients may send it.

import type { IncomingMessage } from 'node:http';
import { Lexer, parse } from 'yaml';
import { errorText } from '#base';
import type { Json } from '../json.ts';
import { badRequest, StatusError } from '../status.ts';

/** Upstream's limit for a request body (k8s.io/apiserver MaxRequestBodyBytes). */
const MAXIMUM_BYTES = 3 * 1024 * 1024;

/** The maximum depth. No kind nests this deep, and every level uses stack. */
export const MAXIMUM_DEPTH = 500;

/**
 * The limit for YAML that is not JSON.
 * The parser needs quadratic time for some texts, and all other requests wait for it.
 */
const yamlLimits = { bytes: 128 * 1024, aliases: 100 };

/** The body; throws 413 when it is larger than the limit. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAXIMUM_BYTES) {
        const message = `Request entity too large: limit is ${MAXIMUM_BYTES}`;
        request.removeAllListeners('data');
        request.resume();
        reject(new StatusError(413, 'RequestEntityTooLarge', message));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

/** The media type of a request without its parameters. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/**
 * Parses a body of media type `type`.
 * Throws 415 for a type that the API does not read, and 400 for text that is not valid.
 */
export function parseBody(body: Buffer, type: string): Json {
  const text = body.toString();
  const yaml = type === 'application/yaml' || type === 'application/apply-patch+yaml';
  if (!yaml && type !== '' && type !== 'application/json' && !type.endsWith('+json')) {
    const known = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${known}`,
    );
  }
  const value = parsed(text, yaml);
  refuseUnfit(value);
  return value;
}

function parsed(text: string, yaml: boolean): Json {
  try {
    return (yaml && !text.startsWith('{') ? readYaml(text) : JSON.parse(text)) as Json;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`the body of the request is not valid ${yaml ? 'YAML' : 'JSON'}: ${errorText(error)}`);
  }
}

/** The last of several equal keys counts, as in JSON. */
function readYaml(text: string): unknown {
  if (Buffer.byteLength(text) > yamlLimits.bytes) {
    const message = `Request entity too large: limit of YAML is ${yamlLimits.bytes}: send JSON`;
    throw new StatusError(413, 'RequestEntityTooLarge', message);
  }
  let aliases = 0;
  for (const lexeme of new Lexer().lex(text)) if (lexeme.startsWith('*')) aliases += 1;
  if (aliases > yamlLimits.aliases)
    throw badRequest(`the body of the request has more than ${yamlLimits.aliases} aliases of YAML`);
  return parse(text, { uniqueKeys: false, logLevel: 'error' });
}

/**
 * A field `__proto__` would become the prototype of a copy. Reads would see its content, but checks would not.
 * Data that nests too deep would overflow the stack in later steps.
 */
export function refuseUnfit(value: Json, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAXIMUM_DEPTH)
    throw badRequest(`the body of the request is nested more than ${MAXIMUM_DEPTH} deep`);
  if (Object.hasOwn(value, '__proto__')) throw badRequest('a field may not be named __proto__');
  for (const content of Array.isArray(value) ? value : Object.values(value)) refuseUnfit(content, depth + 1);
}
