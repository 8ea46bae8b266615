// How agents reach this replica, from flags and the environment.

import { systemClock } from '#base';
import { LEADER_SERVER_NAME } from '#pools';
import { newKey, portOrNone, selfSigned, wholeNumber } from '#program';

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined if agents write pools by themselves. Each start has a key of its own: the Lease has its certificate. */
export function readCommits(
  flags: { 'commit-host'?: string; 'commit-port'?: string; 'commit-listen-fd'?: string[] },
  env: Environment,
) {
  const port = portOrNone('--commit-port', flags['commit-port'] ?? env.ORBWEAVER_COMMIT_PORT ?? '5723');
  const host = flags['commit-host'] ?? env.SPIDERPOOL_POD_IP;
  if (host === undefined || port === undefined) return undefined;
  const fds = (flags['commit-listen-fd'] ?? []).map((fd) =>
    wholeNumber('--commit-listen-fd', fd, 0, 2 ** 31 - 1),
  );
  const certificate = selfSigned(newKey(), [LEADER_SERVER_NAME], systemClock.now());
  return {
    host,
    port,
    fds,
    certificate,
    agentAccount: env.ORBWEAVER_AGENT_SERVICE_ACCOUNT ?? 'orbweaver-agent',
  };
}
