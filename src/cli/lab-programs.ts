// Programs of a running lab that are part of orbctl. The lab starts them, and the help does not show them.

import { buildCommand } from '@stricli/core';
import { type Context, text } from './context.ts';

/** Both run until a signal comes. */
export interface LabProgramCommands {
  /** The kubelet of a lab's node. */
  labKubelet(node: string): Promise<number>;
  /** The controllers of the lab's cluster. */
  labControllers(): Promise<number>;
}

type Here = Context<LabProgramCommands>;

export const labKubelet = buildCommand<{ readonly node: string }, [], Here>({
  docs: { brief: 'The kubelet of a node of the lab (started by "orbctl lab")' },
  parameters: { flags: { node: { kind: 'parsed', parse: text, brief: 'Name of the node' } } },
  async func({ node }) {
    this.process.exitCode = await this.commands.labKubelet(node);
  },
});

export const labControllers = buildCommand<Record<never, never>, [], Here>({
  docs: { brief: 'The controllers of the lab (started by "orbctl lab")' },
  parameters: {},
  async func() {
    this.process.exitCode = await this.commands.labControllers();
  },
});
