// One network namespace as an edge: what is in it, and changes to it. `#kernel` has the
// real one; a fake for tests stands in fake-namespace.ts.

import type { Cidr, Family } from '#ip';
import type {
  InterfaceAddress,
  Link,
  LinkSettings,
  LinkSpec,
  Listener,
  Neighbour,
  NftRule,
  Route,
  Rule,
} from './objects.ts';

/** One change; a batch of them goes to the kernel in one message each, in order. */
export type Change =
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
    };

/** Narrows a dump; the kernel filters (NETLINK_GET_STRICT_CHK), so its cost does not grow with the rest. */
export interface DumpFilter {
  readonly family?: Family;
  readonly table?: number;
  readonly dev?: string;
}

/**
 * An open network namespace. Calls are synchronous: the kernel answers route netlink at once.
 * Errors are OrbError KERNEL_REFUSED with errno and ext-ack text in `said`, and the object in `subject`.
 */
export interface NetworkNamespace {
  /** Its open descriptor: where a veth's peer is made (`LinkKind.peer.netnsFd`) or a link is moved to. */
  readonly fd: number;
  /** The same for every object of one namespace, whatever path it was opened by. */
  readonly id: string;
  /** One link by name, at a cost that does not grow with the others; undefined where there is none. */
  link(name: string): Link | undefined;
  /** Also renews what this object knows of names and indexes. */
  links(): Link[];
  addresses(filter?: DumpFilter): InterfaceAddress[];
  routes(filter?: DumpFilter): Route[];
  rules(family?: Family): Rule[];
  neighbours(filter?: DumpFilter): Neighbour[];
  /** The route the kernel would take to `destination`. */
  routeTo(destination: Cidr['address']): Route;
  /**
   * Applies the changes in order, batched; names of links made in the batch can be used later in it.
   * `create` of what exists and `delete` of what is gone are errors, told by `errno` EEXIST, ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL.
   * Every change is tried; the first error is thrown at the end.
   */
  change(changes: readonly Change[]): void;
  /**
   * Deletes one link while others are served: the kernel may take some 20 ms. Resolves when names, addresses and routes are gone.
   * Rejects as {@link change} throws.
   */
  deleteLink(name: string): Promise<void>;
  /** A sysctl below /proc/sys/net of this namespace: `ipv4/conf/all/rp_filter`. Undefined where the kernel lacks it. */
  sysctl(key: string): string | undefined;
  setSysctl(key: string, value: string): void;
  /** The sockets that wait: TCP in state LISTEN, UDP without a peer. */
  listeners(): Listener[];
  /** Runs nft commands (nft(8) syntax) as one transaction. */
  nft(commands: string): void;
  /** The ruleset, or one table `inet orbweaver`, as `nft -j list` prints it; undefined where the table is absent. */
  nftTable(family: string, table: string): unknown;
  /**
   * The rules of one table of family inet; none where it is absent. The kernel filters, where {@link nftTable} reads all chains of the
   * namespace: kube-proxy has thousands.
   */
  nftRules(table: string): NftRule[];
  close(): void;
}
