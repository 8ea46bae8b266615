// The sources of addresses that the agent has, as one CNI type sees them.

import { OrbError } from '#base';
import type { AttachmentRecord } from '#node';
import type { Ipam } from './ipam.ts';
import { sourceOf } from './ipam-record.ts';

export class AddressSources {
  readonly #type: string;
  readonly #sources: ReadonlyMap<string, Ipam>;

  /** `type` is the CNI type, and `sources` are all, by their CNI types. */
  constructor(type: string, sources: ReadonlyMap<string, Ipam>) {
    this.#type = type;
    this.#sources = sources;
  }

  /** That of the CNI type itself. */
  get own(): Ipam {
    return this.#called(this.#type);
  }

  /**
   * The one that gave the addresses of the record. A network may have had another type when the record was written.
   * Throws CNI_TYPE_UNKNOWN.
   */
  of(record: AttachmentRecord): Ipam {
    return this.#called(this.typeOf(record));
  }

  /** The CNI type of a record's source; that of this type if the record names none. */
  typeOf(record?: AttachmentRecord): string {
    return (record && sourceOf(record)) ?? this.#type;
  }

  #called(type: string): Ipam {
    const source = this.#sources.get(type);
    if (source !== undefined) return source;
    throw new OrbError('CNI_TYPE_UNKNOWN', {
      message: `the addresses are those of type ${JSON.stringify(type)}, which this agent does not serve`,
    });
  }
}
