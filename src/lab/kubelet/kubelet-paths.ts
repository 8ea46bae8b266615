// Where a kubelet keeps its files.

/** The paths of the kubelet's files, as its node sees them. */
export interface KubeletPaths {
  readonly confFolder: string;
  readonly pluginFolders: readonly string[];
  /** libcni's cache of results. */
  readonly resultFolder: string;
  readonly sandboxFolder: string;
  readonly netnsFolder: string;
  /** The folder of records that say which namespace belongs to which pod; see pod-record.ts. */
  readonly podRecordFolder: string;
}

export const defaultKubeletPaths: Omit<KubeletPaths, 'podRecordFolder'> = {
  confFolder: '/etc/cni/net.d',
  pluginFolders: ['/opt/cni/bin'],
  resultFolder: '/var/lib/cni/results',
  sandboxFolder: '/var/lib/cni/sandboxes',
  netnsFolder: '/run/netns',
};
