// What people should know of a plan. The controller makes Events and conditions of it.

/** Why. Events and conditions have it as their reason, so it is never renamed. */
export type NoticeReason =
  /** The application's annotations now name other subnets. Spiderpool's Event has this name. */
  | 'ApplicationSubnetChanged'
  | 'FamilyDisabled'
  /** A user or another program gave one address to two pools. */
  | 'Overlapping'
  /** The pool has too many addresses, but pods hold them. */
  | 'PoolInUse'
  /** `status.allocatedIPs` or the spec of the pool cannot be read. */
  | 'PoolInvalid'
  | 'SubnetExhausted'
  | 'SubnetNotFound'
  /** An older subnet has addresses of the network. */
  | 'SubnetOverlapping'
  | 'SubnetTerminating'
  | 'SubnetWrongFamily';

export interface Notice {
  /** `Warning` if a pod cannot start because of it. */
  readonly type: 'Normal' | 'Warning';
  readonly reason: NoticeReason;
  /** The subnet that it is about. */
  readonly subnet: string;
  /** The pool that it is about. Undefined if there is none. */
  readonly pool: string | undefined;
  readonly message: string;
}
