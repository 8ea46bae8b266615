// Where a kubelet keeps its files.

/** Where the kubelet's files are, as its node sees them. */
export interface KubeletPaths {
  readonly confFolder: string;
  readonly pluginFolders: readonly string[];
  /** libcni's cache of results. */
  readonly resultFolder: string;
  readonly sandboxFolder: string;
  readonly netnsFolder: string;
  /** Where it says which namespace is whose pod; see pod-record.ts. */
  readonly podRecordFolder: string;
}

export const defaultKubeletPaths: Omit<KubeletPaths, 'podRecordFolder'> = {
  confFolder: '/etc/cni/net.d',
  pluginFolders: ['/opt/cni/bin'],
  resultFolder: '/var/lib/cni/results',
  sandboxFolder: '/var/lib/cni/sandboxes',
  netnsFolder: '/run/netns',
};
