// Which field a number of a protobuf message means, and how its bytes become JSON.
//
// There is one message per line. A line above the messages names their Go package, and the API version of that package:
//
//   # apps/v1 apps/v1
//   DeploymentStrategy type=1:string rollingUpdate=2:RollingUpdateDeployment?
//
// A type is a scalar, a message of the same package or another one (`core/v1.PodSpec`), a list `[T]`, or a map `{T}` with string keys.
// JSON shows the zero value of a field with "?". A field "..." has no name in JSON: its own fields take its place.

import { CORE_MESSAGES } from './core-messages.ts';
import { OTHER_MESSAGES } from './other-messages.ts';

/** A field of a message. */
export interface MessageField {
  /** Its name in JSON; "..." for a message whose fields take its place. */
  readonly name: string;
  readonly type: string;
  /** Whether JSON shows its zero value. Such a field is a pointer in Go, or has no `omitempty`. */
  readonly keepsZero: boolean;
}

/** A message: its fields by number. The types of fields include their package. */
export interface Message {
  readonly name: string;
  readonly fields: ReadonlyMap<number, MessageField>;
}

const scalars = new Set([
  ...['string', 'bool', 'int', 'double', 'bytes', 'time', 'microTime', 'quantity', 'intOrString'],
  ...['rawJson', 'texts', 'schemaOrBool', 'schemaOrList', 'schemaOrNames'],
]);

/** All messages that the server reads. */
export class MessageTable {
  readonly #messages = new Map<string, Message>();
  /** Packages by API version. */
  readonly #packages = new Map<string, string>();

  constructor(texts: readonly string[] = [CORE_MESSAGES, OTHER_MESSAGES]) {
    for (const text of texts) this.#read(text);
  }

  get(name: string): Message | undefined {
    return this.#messages.get(name);
  }

  /** The message of a kind. DeleteOptions belongs to every API version. */
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
