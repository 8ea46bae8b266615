// The addresses that pods show: in the annotation of Multus and in their status. The program that is imported may have
// forgotten one that lives.

import { NETWORK_STATUS_ANNOTATION, type Pod, parseNetworkStatus } from '#api';
import { errorText, isOrbError } from '#base';
import { formatAddress, tryParseAddress } from '#ip';

/** A pod, and what it shows. */
export interface SeenPod {
  /** `namespace/name`. */
  readonly name: string;
  readonly uid: string;
  readonly node: string | undefined;
  /** Whether its containers have ended for ever. Its sandbox may still be there. */
  readonly hasFinished: boolean;
  /** The NIC of each address, by the canonical text of the address. */
  readonly nics: ReadonlyMap<string, string>;
  /** Names of the definitions that it is attached to. */
  readonly networks: ReadonlySet<string>;
}

/** `problems` are annotations that cannot be read. */
export function seePods(pods: readonly Pod[]): { readonly seen: SeenPod[]; readonly problems: string[] } {
  const problems: string[] = [];
  const seen = pods
    .filter(({ spec }) => spec?.hostNetwork !== true)
    .map(({ metadata, spec, status }): SeenPod => {
      const name = `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
      const nics = new Map<string, string>();
      const networks = new Set<string>();
      const note = (texts: readonly string[], nic: string) => {
        for (const text of texts) {
          const address = tryParseAddress(text);
          if (address !== undefined && !nics.has(formatAddress(address)))
            nics.set(formatAddress(address), nic);
        }
      };
      try {
        const annotation = metadata.annotations?.[NETWORK_STATUS_ANNOTATION];
        for (const one of annotation ? parseNetworkStatus(annotation) : []) {
          networks.add(one.name);
          note(one.ips ?? [], one.interface ?? 'eth0');
        }
      } catch (error) {
        if (!isOrbError(error)) throw error;
        problems.push(`pod ${name}: ${errorText(error)}`);
      }
      note(
        (status?.podIPs ?? []).map(({ ip }) => ip),
        'eth0',
      );
      const hasFinished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
      return { name, uid: metadata.uid ?? '', node: spec?.nodeName, hasFinished, nics, networks };
    });
  return { seen, problems };
}
