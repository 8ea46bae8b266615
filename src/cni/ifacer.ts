// CNI type `ifacer`: the first plugin in a chain. It makes the VLAN or bond on the node that the next main plugin uses.

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
  readonly #parts: IfacerParts;

  constructor(parts: IfacerParts) {
    this.#parts = parts;
  }

  /**
   * Makes what is missing and completes what is half made. The result says nothing about the pod, because ADD changes
   * nothing in it.
   */
  async add(call: NetnsCall): Promise<CniResult> {
    // Throws if the pod is gone: then nothing is made on the node for it.
    (await this.#parts.openNamespace(call.netns)).close();
    const notes = applyParent(desiredParent(parseIfacerConf(call.conf)), this.#parts.node);
    for (const note of notes) call.log.warn({ note }, 'parent interface');
    return prevResultOf(call.conf) ?? {};
  }

  /** Parent interfaces serve all pods of the node, so a DEL removes none of them. */
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

  /** This type needs nothing from the cluster. */
  async status(): Promise<void> {}
}
