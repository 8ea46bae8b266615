// Reads the body of a request: JSON, or YAML where clients send it.

import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { errorText } from '#base';
import { isObject, type Json } from '../json.ts';
import { badRequest, StatusError } from '../status.ts';

/** Upstream's limit of a request body (k8s.io/apiserver MaxRequestBodyBytes). */
const maximumBytes = 3 * 1024 * 1024;

/** The body; 413 when it is larger than the API takes. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maximumBytes) {
        const message = `Request entity too large: limit is ${maximumBytes}`;
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

/** Parses a body of `type`; 415 for a type that the API does not read, 400 for text that is not in it. */
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
  // A backslash may escape any character of the name.
  if (text.includes('__proto__') || text.includes('\\')) refusePrototype(value);
  return value;
}

function parsed(text: string, yaml: boolean): Json {
  try {
    return (yaml && !text.startsWith('{') ? parse(text) : JSON.parse(text)) as Json;
  } catch (error) {
    throw badRequest(`the body of the request is not valid ${yaml ? 'YAML' : 'JSON'}: ${errorText(error)}`);
  }
}

/** A field `__proto__` would become the prototype of a copy: its content would be there for reads, and for no check. */
export function refusePrototype(value: Json): void {
  if (Array.isArray(value)) for (const item of value) refusePrototype(item);
  if (!isObject(value)) return;
  if (Object.hasOwn(value, '__proto__')) throw badRequest('a field may not be named __proto__');
  for (const content of Object.values(value)) refusePrototype(content);
}
