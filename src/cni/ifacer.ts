// CNI type `ifacer`: first in a chain, makes the VLAN or bond on the node that the main plugin after it builds on.

import { type CniResult, parseIfacerConf, prevResultOf } from '#api';
import { OrbError } from '#base';
import type { NetworkNamespace } from '#net';
import { applyParent, observeParents } from '#node';
import { desiredParent, parentProblems } from '#plan/parent';
import type { CniPlugin, NetnsCall } from './plugin.ts';

export interface IfacerParts {
  /** The node's own namespace, kept open. */
  readonly node: NetworkNamespace;
  readonly openNamespace: (path: string) => Promise<NetworkNamespace>;
}

export class IfacerPlugin implements CniPlugin {
  readonly type = 'ifacer';
  readonly #parts: IfacerParts;

  constructor(parts: IfacerParts) {
    this.#parts = parts;
  }

  /** Makes what is missing, mends what is half made; the result says nothing of the pod, since nothing was done in it. */
  async add(call: NetnsCall): Promise<CniResult> {
    // Throws where the pod is gone: nothing is made on the node for it.
    (await this.#parts.openNamespace(call.netns)).close();
    const notes = applyParent(desiredParent(parseIfacerConf(call.conf)), this.#parts.node);
    for (const note of notes) call.log.warn({ note }, 'parent interface');
    return prevResultOf(call.conf) ?? {};
  }

  /** Parent interfaces serve all pods of the node: none takes them along. */
  async del(): Promise<void> {}

  async check(call: NetnsCall): Promise<void> {
    if (prevResultOf(call.conf) === undefined) {
      throw new OrbError('INPUT_INVALID', {
        message: 'prevResult is missing; CHECK needs the result of ADD',
        subject: 'network configuration',
      });
    }
    const problems = parentProblems(
      desiredParent(parseIfacerConf(call.conf)),
      observeParents(this.#parts.node),
    );
    if (problems.length > 0) throw new OrbError('CNI_CHECK_FAILED', { message: problems.join('; ') });
  }

  async gc(): Promise<void> {}

  /** Needs nothing of the cluster. */
  async status(): Promise<void> {}
}
