// Which field stands under which number of a protobuf message, and how its bytes become JSON.
//
// A message per line, below a line with the Go package that it is in and the API version that this package holds:
//
//   # apps/v1 apps/v1
//   DeploymentStrategy type=1:string rollingUpdate=2:RollingUpdateDeployment?
//
// A type is a scalar, a message of the same package or of another (`core/v1.PodSpec`), a list `[T]` or a map `{T}` from strings.
// JSON has the zero of a field with "?". A field "..." has no name in JSON: its own fields take its place.

import { coreMessages } from './core-messages.ts';
import { otherMessages } from './other-messages.ts';

/** A field that a number stands for. */
export interface MessageField {
  /** Its name in JSON; "..." for a message whose fields take its place. */
  readonly name: string;
  readonly type: string;
  /** Whether JSON shows its zero: it is a pointer in Go, or has no `omitempty`. */
  readonly keepsZero: boolean;
}

/** A message: its fields by number. Types of fields are written with their package. */
export interface Message {
  readonly name: string;
  readonly fields: ReadonlyMap<number, MessageField>;
}

const scalars = new Set([
  ...['string', 'bool', 'int', 'double', 'bytes', 'time', 'microTime', 'quantity', 'intOrString'],
  ...['rawJson', 'texts', 'schemaOrBool', 'schemaOrList', 'schemaOrNames'],
]);

/** All messages that are read. */
export class MessageTable {
  readonly #messages = new Map<string, Message>();
  /** Packages by API version. */
  readonly #packages = new Map<string, string>();

  constructor(texts: readonly string[] = [coreMessages, otherMessages]) {
    for (const text of texts) this.#read(text);
  }

  get(name: string): Message | undefined {
    return this.#messages.get(name);
  }

  /** The message of a kind. DeleteOptions belong to every API version. */
  ofKind(apiVersion: string, kind: string): Message | undefined {
    const inPackage = this.#packages.get(apiVersion);
    return (
      this.get(`${inPackage ?? ''}.${kind}`) ??
      (kind === 'DeleteOptions' ? this.get(`meta/v1.${kind}`) : undefined)
    );
  }

  #read(text: string): void {
    let inPackage = '';
    for (const line of text.trim().split('\n')) {
      const [first = '', ...rest] = line.split(' ');
      if (first === '#') {
        const [name = '', apiVersion = ''] = rest;
        inPackage = name;
        if (apiVersion !== '') this.#packages.set(apiVersion, name);
        continue;
      }
      const fields = new Map(rest.map((it) => readField(it, inPackage)));
      const name = `${inPackage}.${first}`;
      this.#messages.set(name, { name, fields });
    }
  }
}

function readField(text: string, inPackage: string): [number, MessageField] {
  const [, name = '', number = '', type = '', mark] = /^(\S+)=(\d+):([^?]+)(\??)$/.exec(text) ?? [];
  return [Number(number), { name, type: withPackage(type, inPackage), keepsZero: mark === '?' }];
}

function withPackage(type: string, inPackage: string): string {
  if (/^[[{]/.test(type)) return type[0] + withPackage(type.slice(1, -1), inPackage) + type.at(-1);
  return scalars.has(type) || type.includes('.') ? type : `${inPackage}.${type}`;
}
