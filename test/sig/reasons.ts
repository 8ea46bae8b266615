// Why tests fail on some networks.

interface Reason {
  readonly trials: readonly string[];
  /** The tests are those whose names match. */
  readonly tests: RegExp;
  /** A sentence or two. */
  readonly why: string;
}

export const reasons: readonly Reason[] = [
  {
    trials: ['underlay-wider', 'underlay-no-proxy-wider'],
    tests: /preserve source pod IP for traffic thru service cluster IP/,
    why:
      'The node puts its address in place of the source of what an underlay pod sends to a Service, so that ' +
      'the answers come back through that node.',
  },
  {
    trials: ['underlay-wider', 'underlay-no-proxy-wider'],
    tests: /should set TCP CLOSE_WAIT timeout/,
    why:
      "The test looks for a connection from a pod to another node in the conntrack table of the pod's own node. Packets " +
      'of an underlay pod to another node leave by its own NIC.',
  },
  {
    trials: ['underlay-no-proxy-wider'],
    tests: /should check kube-proxy urls/,
    why: 'The test asks the ports of kube-proxy, which does not run there.',
  },
];

/** Undefined where a failure is a fault that somebody must mend. */
export function reasonFor(trial: string, test: string): string | undefined {
  return reasons.find(({ trials, tests }) => trials.includes(trial) && tests.test(test))?.why;
}
