// The notation in which built-in kinds are described: a type per paragraph, a field per line.
//
//   Container A program of the pod.          a type, and what it is
//     name! string                           a required field
//     ports [ContainerPort] by containerPort,protocol
//                                            a list of objects merged by these keys (atomic without "by", a set with "set")
//     protocol string = TCP                  a default
//     limits {quantity}                      a map

import { OrbError } from '#base';
import { anyValue, type Schema } from './schema.ts';

const scalars: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int: { type: 'integer', format: 'int32' },
  long: { type: 'integer', format: 'int64' },
  time: { type: 'string', format: 'date-time', nullable: true },
  bytes: { type: 'string', format: 'byte' },
  intOrString: { 'x-kubernetes-int-or-string': true },
  quantity: { 'x-kubernetes-int-or-string': true },
  object: { type: 'object', ...anyValue },
  any: anyValue,
};

interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly type: string;
  readonly by: string | undefined;
  readonly isSet: boolean;
  readonly byDefault: string | undefined;
}

interface Declared {
  readonly description: string;
  readonly fields: readonly Field[];
}

/**
 * Named types.
 * {@link TypeTable.nameOf} gives the name of a node's type, so that documents can refer to it.
 */
export class TypeTable {
  readonly #declared = new Map<string, Declared>();
  readonly #resolved = new Map<string, Schema>();
  readonly #names = new WeakMap<Schema, string>();

  constructor(...texts: readonly string[]) {
    for (const text of texts) this.#declare(text);
  }

  /** The schema of a type; throws for one that no text declares. */
  get(name: string): Schema {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    const declared = this.#declared.get(name);
    if (declared === undefined) throw new OrbError('INTERNAL', { message: `no type "${name}" is declared` });
    const required = declared.fields.filter((field) => field.required).map((field) => field.name);
    const schema: Schema = {
      type: 'object',
      description: declared.description,
      ...(required.length > 0 && { required }),
      properties: Object.fromEntries(declared.fields.map((field) => [field.name, this.#field(field)])),
    };
    this.#resolved.set(name, schema);
    this.#names.set(schema, name);
    return schema;
  }

  nameOf(schema: Schema): string | undefined {
    return this.#names.get(schema);
  }

  #field(field: Field): Schema {
    const { type } = field;
    if (type.startsWith('[')) return this.#list(field, this.#type(type.slice(1, -1)));
    const schema = this.#type(type);
    if (field.byDefault === undefined) return schema;
    return { ...schema, default: schema.type === 'integer' ? Number(field.byDefault) : field.byDefault };
  }

  #list(field: Field, items: Schema): Schema {
    const list = { type: 'array', items };
    if (field.isSet) {
      return { ...list, 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
    }
    if (field.by === undefined) return { ...list, 'x-kubernetes-list-type': 'atomic' };
    const keys = field.by.split(',');
    return {
      ...list,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': keys,
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': keys[0] as string,
    };
  }

  #type(name: string): Schema {
    if (name.startsWith('{')) return { type: 'object', additionalProperties: this.#type(name.slice(1, -1)) };
    return scalars[name] ?? this.get(name);
  }

  #declare(text: string): void {
    let fields: Field[] = [];
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue;
      if (line.startsWith(' ')) {
        fields.push(parseField(line.trim()));
        continue;
      }
      const space = line.indexOf(' ');
      fields = [];
      this.#declared.set(line.slice(0, space), { description: line.slice(space + 1), fields });
    }
  }
}

function parseField(line: string): Field {
  const found = /^([\w$-]+)(!?) (\S+)(?: by (\S+))?( set)?(?: = (\S+))?$/.exec(line);
  if (found === null) throw new OrbError('INTERNAL', { message: `field "${line}" is not in the notation` });
  const [, name = '', required, type = '', by, isSet, byDefault] = found;
  return { name, required: required === '!', type, by, isSet: isSet !== undefined, byDefault };
}
