// One attachment of a sandbox to a network, as the runtime describes it to plugins.

/** The parts that stay the same from ADD to DEL. */
export interface Attachment {
  readonly containerId: string;
  /** Path of the sandbox's network namespace. */
  readonly netns: string;
  readonly interface: string;
  /** The value of CNI_ARGS. */
  readonly args: readonly (readonly [name: string, value: string])[];
  /** Keyed by capability: what a plugin that declares the capability gets in `runtimeConfig` (CNI conventions). */
  readonly capabilityArgs: Readonly<Record<string, unknown>>;
}

/** The CNI_* variables of an attachment. */
export function variablesOf(attachment: Attachment): Record<string, string> {
  return {
    CNI_CONTAINERID: attachment.containerId,
    CNI_NETNS: attachment.netns,
    CNI_IFNAME: attachment.interface,
    CNI_ARGS: attachment.args.map(([name, value]) => `${name}=${value}`).join(';'),
  };
}
