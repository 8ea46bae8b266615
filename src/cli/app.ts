// The command line of orbctl, assembled from one file per command; what the commands do is passed in.

import { type Application, buildApplication, buildRouteMap, text_en } from '@stricli/core';
import { errorText, isOrbError } from '#base';
import { type CheckCommands, check } from './check.ts';
import type { Context } from './context.ts';
import { type LabCommands, lab } from './lab.ts';
import { type LabProgramCommands, labControllers, labKubelet } from './lab-programs.ts';
import { type TraceCommands, trace } from './trace.ts';

/** What the commands do; each resolves with the exit code. */
export interface Commands extends CheckCommands, LabCommands, LabProgramCommands, TraceCommands {}

const commandLine = buildRouteMap<string, Context<Commands>>({
  routes: { check, lab, trace, labKubelet, labControllers },
  docs: { brief: 'Works with Orbweaver', hideRoute: { labKubelet: true, labControllers: true } },
});

/** One sentence on what went wrong, and what the user can do. */
function explain(error: unknown): string {
  return `orbctl: ${errorText(error)}${isOrbError(error) && error.code !== 'INPUT_INVALID' ? `\n${error.advice}` : ''}`;
}

/** The application; run it with `run(app, argv, { process, commands })`. */
export function orbctl(version: string): Application<Context<Commands>> {
  return buildApplication(commandLine, {
    name: 'orbctl',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { disableAnsiColor: true },
    localization: { loadText: () => ({ ...text_en, exceptionWhileRunningCommand: explain }) },
  });
}
