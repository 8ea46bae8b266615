// One setting of Spiderpool, with its value of our chart.

/** A setting of Spiderpool, and what becomes of it. */
export interface Setting {
  /** `conf.yml enableIPv4`, `agent SPIDERPOOL_LOG_LEVEL`. */
  readonly from: string;
  readonly value: unknown;
  /** The value of our chart, as `ipam.enableIPv4`. Undefined if no value is needed or none exists. */
  readonly chart?: { readonly path: string; readonly value: unknown };
  /** What becomes of a setting that our chart has no value for. */
  readonly note?: string;
  /** Orbweaver cannot do what the setting asks for. */
  readonly refused?: boolean;
}
