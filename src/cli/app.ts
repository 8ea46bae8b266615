// The command line of orbctl. Each command has its own file; the functions that do the work are passed in.

import {
  type Application,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  text_en,
} from '@stricli/core';
import { didYouMean, errorText } from '#base';
import { explained, TROUBLE } from '#program';
import { type CheckCommands, check } from './check.ts';
import { completeCommand, completion } from './completion.ts';
import type { Context } from './context.ts';
import { type GcCommands, gc } from './gc.ts';
import { helpCommand, versionCommand } from './help.ts';
import { type IpCommands, ip } from './ip.ts';
import { type LabCommands, lab, labWords } from './lab.ts';
import { type LabProgramCommands, labControllers, labKubelet } from './lab-programs.ts';
import { type MigrateCommands, migrate } from './migrate.ts';
import { type NetnsCommands, netns } from './netns.ts';
import { type OpenStackCommands, openstack } from './openstack.ts';
import { type PoolCommands, pool } from './pool.ts';
import { type ServiceCommands, service } from './service.ts';
import { type SubnetCommands, subnet } from './subnet.ts';
import { type TraceCommands, trace } from './trace.ts';
import { type UninstallCommands, uninstall } from './uninstall.ts';

/** The functions of the commands; each resolves with the exit code. */
export interface Commands
  extends CheckCommands,
    GcCommands,
    IpCommands,
    LabCommands,
    LabProgramCommands,
    MigrateCommands,
    NetnsCommands,
    OpenStackCommands,
    PoolCommands,
    ServiceCommands,
    SubnetCommands,
    TraceCommands,
    UninstallCommands {}

/** The application; run it with `run(app, argv, { process, commands })`. */
export function orbctl(version: string): Application<Context<Commands>> {
  const app: Application<Context<Commands>> = buildApplication(
    buildRouteMap<string, Context<Commands>>({
      routes: {
        check,
        gc,
        ip,
        lab,
        migrate,
        netns,
        openstack,
        pool,
        service,
        subnet,
        trace,
        uninstall,
        help: helpCommand(() => app),
        version: versionCommand(version),
        completion,
        complete: completeCommand(() => app),
        labKubelet,
        labControllers,
      },
      docs: {
        brief:
          'Commands of Orbweaver: a lab on this machine, traces, comparison of a node with its plan, addresses, migration',
        fullDescription: [
          'Commands of Orbweaver: a lab on this machine, traces, comparison of a node with its plan, addresses, migration.',
          'Exit codes: 0 yes or done; 1 no (something differs, does not work or failed); 2 no answer was found, or the',
          'command line is wrong; 3 (trace) the packet arrives, but no program listens.',
        ].join('\n'),
        hideRoute: { complete: true, labKubelet: true, labControllers: true },
      },
    }),
    {
      name: 'orbctl',
      determineExitCode: () => TROUBLE,
      versionInfo: { currentVersion: version },
      scanner: {
        caseStyle: 'allow-kebab-for-camel',
        allowArgumentEscapeSequence: true,
        distanceOptions: {
          threshold: 3,
          weights: { insertion: 1, deletion: 1, substitution: 1, transposition: 1 },
        },
      },
      documentation: { useAliasInUsageLine: true },
      completion: { includeAliases: false },
      localization: {
        loadText: () => ({
          ...text_en,
          exceptionWhileParsingArguments: (error) => `orbctl: ${refusal(error, labWords)}`,
          exceptionWhileRunningCommand: (error) => `orbctl: ${explained(error)}`,
        }),
      },
    },
  );
  return app;
}

/** The message for a command line that is refused. `words` are command names that may be omitted. An unexpected word may be a wrong spelling of one of them. */
function refusal(error: unknown, words: readonly string[]): string {
  if (!(error instanceof ArgumentScannerError)) return errorText(error);
  return formatMessageForArgumentScannerError(error, {
    ArgumentParseError: ({ exception }) => errorText(exception),
    UnexpectedPositionalError: ({ input }) =>
      `unexpected argument ${JSON.stringify(input)}${didYouMean(input, words)}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `an argument is missing: ${placeholder}`,
  });
}
