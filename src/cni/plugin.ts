// The interface of a CNI type: one object with the verbs. Its input is already checked.

import type { AttachmentEnvironment, CniResult, NetConf } from '#api';
import type { Logger } from '#base';

/** One checked call of a verb. */
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

/** The verbs of a CNI type. Every method throws an OrbError, whose CNI code the error table holds. */
export interface CniPlugin {
  /** Makes the attachment. A repeated call with the same container id and interface finds what the first call made. */
  add(call: NetnsCall): Promise<CniResult>;
  /**
   * Removes the attachment, using only the record on disk and the container id. Succeeds when there is nothing left to
   * remove.
   */
  del(call: AttachmentCall): Promise<void>;
  /** Throws CNI_CHECK_FAILED, or another code, with what is missing or wrong. */
  check(call: NetnsCall): Promise<void>;
  /** Removes every attachment of the network that `cni.dev/valid-attachments` does not list. */
  gc(call: PluginCall): Promise<void>;
  /** Throws AGENT_NOT_READY while ADD could not succeed. */
  status(call: PluginCall): Promise<void>;
}
