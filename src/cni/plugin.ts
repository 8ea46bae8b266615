// What a CNI type is to us: one object with the verbs, given checked input.

import type { AttachmentEnvironment, CniResult, NetConf } from '#api';
import type { Logger } from '#base';

/** One call of a verb, checked. */
export interface PluginCall {
  readonly conf: NetConf;
  /** Aborts when the caller stops waiting. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A call that concerns one attachment. */
export interface AttachmentCall extends PluginCall {
  readonly environment: AttachmentEnvironment;
}

/** ADD and CHECK also know the pod's network namespace. */
export interface NetnsCall extends AttachmentCall {
  readonly netns: string;
}

/** A served CNI type. Every method throws an OrbError, whose CNI code the error table holds. */
export interface CniPlugin {
  /** As in a configuration's `type`. */
  readonly type: string;
  /** Makes the attachment; again with the same container id and interface, it finds what it made. */
  add(call: NetnsCall): Promise<CniResult>;
  /**
   * Undoes it from the record on disk and the container id alone. Succeeds when there is nothing left to undo.
   */
  del(call: AttachmentCall): Promise<void>;
  /** Throws CNI_CHECK_FAILED naming what is missing or wrong. */
  check(call: NetnsCall): Promise<void>;
  /** Removes every attachment of the network that `cni.dev/valid-attachments` does not list. */
  gc(call: PluginCall): Promise<void>;
  /** Throws AGENT_NOT_READY while ADD could not succeed. */
  status(call: PluginCall): Promise<void>;
}
