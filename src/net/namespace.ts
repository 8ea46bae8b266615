// The interface to one network namespace: it reads what is in it and changes it. `#kernel` has the real one. A fake for
// tests is in testing/.

import type { Cidr, Family } from '#ip';
import type {
  InterfaceAddress,
  Link,
  LinkSettings,
  LinkSpec,
  Listener,
  Neighbour,
  NftRule,
  ProxyNeighbour,
  Route,
  Rule,
} from './objects.ts';

/** One change. A batch goes to the kernel in order, with one message for each change. */
export type NetworkChange =
  | { readonly verb: 'create'; readonly kind: 'link'; readonly link: LinkSpec }
  | { readonly verb: 'set'; readonly kind: 'link'; readonly link: LinkSettings }
  | { readonly verb: 'delete'; readonly kind: 'link'; readonly name: string }
  | {
      readonly verb: 'create' | 'replace' | 'delete';
      readonly kind: 'address';
      readonly address: InterfaceAddress;
    }
  | { readonly verb: 'create' | 'replace' | 'delete'; readonly kind: 'route'; readonly route: Route }
  | { readonly verb: 'create' | 'delete'; readonly kind: 'rule'; readonly rule: Rule }
  | {
      readonly verb: 'create' | 'replace' | 'delete';
      readonly kind: 'neighbour';
      readonly neighbour: Neighbour;
    }
  /** To `create` what exists is no error: the kernel only writes the protocol, if there is one. */
  | { readonly verb: 'create' | 'delete'; readonly kind: 'proxy'; readonly proxy: ProxyNeighbour };

/** Limits a dump. The kernel filters (NETLINK_GET_STRICT_CHK), so the cost does not grow with the other objects. */
export interface DumpFilter {
  readonly family?: Family;
  readonly table?: number;
  readonly dev?: string;
}

/**
 * An open network namespace. Calls are synchronous, because the kernel answers route netlink immediately. Errors are
 * OrbError KERNEL_REFUSED. `said` has the errno and the ext-ack text, and `subject` has the object. A new link of a kind
 * that this kernel does not have is KERNEL_LACKS.
 */
export interface NetworkNamespace {
  /** Its open descriptor. Veth peers are made there (`LinkKind.peer.netnsFd`), and links are moved there. */
  readonly fd: number;
  /** The same id for every object of one namespace, whichever path opened it. */
  readonly id: string;
  /** One link by name. The cost does not grow with the other links. Undefined if there is none. */
  link(name: string): Link | undefined;
  /** Also refreshes this object's cache of names and indexes. */
  links(): Link[];
  addresses(filter?: DumpFilter): InterfaceAddress[];
  routes(filter?: DumpFilter): Route[];
  rules(family?: Family): Rule[];
  /** Without proxies. */
  neighbours(filter?: DumpFilter): Neighbour[];
  proxies(filter?: DumpFilter): ProxyNeighbour[];
  /** The route that the kernel would use to `destination`. */
  routeTo(destination: Cidr['address']): Route;
  /**
   * Applies the changes in order and batched. A later change can use the name of a link that the batch made. It is an
   * error to `create` what exists or to `delete` what does not exist. `errno` tells which: EEXIST, ENOENT, ESRCH,
   * ENODEV, EADDRNOTAVAIL. Every change is tried. The first error is thrown at the end.
   */
  change(changes: readonly NetworkChange[]): void;
  /**
   * Deletes one link without blocking other requests, since the kernel may take some 20 ms. Resolves after names,
   * addresses and routes are gone. Rejects with the errors of {@link change}.
   */
  deleteLink(name: string): Promise<void>;
  /**
   * A sysctl below /proc/sys/net of this namespace: `ipv4/conf/all/rp_filter`. Undefined if the kernel does not have
   * it.
   */
  sysctl(key: string): string | undefined;
  setSysctl(key: string, value: string): void;
  /** The listening sockets: TCP in state LISTEN, UDP without a peer. */
  listeners(): Listener[];
  /** Runs nft commands (nft(8) syntax) as one transaction. */
  nft(commands: string): void;
  /** The ruleset or one table `inet orbweaver`, as `nft -j list` prints it. Undefined if the table is absent. */
  nftTable(family: string, table: string): unknown;
  /**
   * The rules of one table of family inet. Empty if the table is absent. The kernel filters here. {@link nftTable}
   * reads all chains of the namespace, and kube-proxy has thousands.
   */
  nftRules(table: string): NftRule[];
  close(): void;
}
