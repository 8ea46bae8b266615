// Where a distribution's container runtime looks for CNI executables and configurations. `npm run gen` writes this table to
// deploy/chart/files/platforms.json, and docs/install-folders.md shows it.

/** The folders of one distribution. All are paths of the node. */
export interface Platform {
  /** Where the runtime looks for CNI executables, and where ours are put. */
  readonly binFolder: string;
  /** Where the runtime looks for CNI configurations. */
  readonly confFolder: string;
  /** The socket of the container runtime, by which the agent asks for the two folders. */
  readonly runtimeSocket: string;
  /** Who says so. */
  readonly source: string;
}

const CONTAINERD = '/run/containerd/containerd.sock';
const CRIO = '/run/crio/crio.sock';

/** By the value of `platform` in the chart. */
export const platforms = {
  kubeadm: {
    binFolder: '/opt/cni/bin',
    confFolder: '/etc/cni/net.d',
    runtimeSocket: CONTAINERD,
    source: 'defaults of containerd (`bin_dir`, `conf_dir`)',
  },
  k3s: {
    binFolder: '/var/lib/rancher/k3s/data/cni',
    confFolder: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    runtimeSocket: '/run/k3s/containerd/containerd.sock',
    source:
      'k3s-io/k3s#10868: since 1.28.15, 1.29.10, 1.30.6 and 1.31.2. Older versions change the folder with each upgrade',
  },
  rke2: {
    binFolder: '/opt/cni/bin',
    confFolder: '/etc/cni/net.d',
    runtimeSocket: '/run/k3s/containerd/containerd.sock',
    source: 'rancher/rke2#7856 and the chart rke2-multus',
  },
  openshift: {
    binFolder: '/var/lib/cni/bin',
    confFolder: '/etc/kubernetes/cni/net.d',
    runtimeSocket: CRIO,
    source: 'kubevirt/must-gather#42, openshift/machine-config-operator#62',
  },
  talos: {
    binFolder: '/opt/cni/bin',
    confFolder: '/etc/cni/net.d',
    runtimeSocket: CONTAINERD,
    source: 'siderolabs/talos#9158: the folder is a writable overlay, and has no macvlan, ipvlan and vlan',
  },
  gke: {
    binFolder: '/home/kubernetes/bin',
    confFolder: '/etc/cni/net.d',
    runtimeSocket: CONTAINERD,
    source: 'istio/istio.io#3951, kubernetes/kops#7833 (Container-Optimized OS)',
  },
  debian: {
    binFolder: '/usr/lib/cni',
    confFolder: '/etc/cni/net.d',
    runtimeSocket: CONTAINERD,
    source: 'Debian package `containernetworking-plugins`; sapcc/helm-charts#7685 for Garden Linux',
  },
  crio: {
    binFolder: '/opt/cni/bin',
    confFolder: '/etc/cni/net.d',
    runtimeSocket: CRIO,
    source: 'defaults of CRI-O. Before 1.12 it was `/usr/libexec/cni` (k8snetworkplumbingwg/multus-cni#244)',
  },
} as const satisfies Record<string, Platform>;
