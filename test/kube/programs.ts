// Which programs of others are built: what a cluster runs, clients of an API server, and Kubernetes' own tests.

import type { ProgramSet } from './build.ts';

export const clusterSet: ProgramSet = {
  said: 'Kubernetes, etcd, Calico and flannel from source (once: about 13 minutes and 6 GB of build cache)',
  programs: {
    components: { module: 'components', target: '.', stamped: true },
    // The overlays, with the modules that their own releases were built from.
    calico: {
      module: 'calico',
      target: 'github.com/projectcalico/calico/cni-plugin/cmd/calico',
      stamped: false,
    },
    'calico-node': {
      module: 'calico',
      target: 'github.com/projectcalico/calico/node/cmd/calico-node',
      stamped: false,
    },
    flanneld: { module: 'flannel', target: '.', stamped: false },
    flannel: {
      module: 'flannel-cni',
      target: 'github.com/containernetworking/plugins/plugins/meta/flannel',
      stamped: false,
    },
  },
};

const MULTUS = 'gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd';

/** Both lines of Multus that are maintained. Modules of their own: they do not compile with the libraries of Kubernetes 1.34. */
export const multusSet: ProgramSet = {
  said: 'Multus 4.2 and 4.3 from source (once: about 3 minutes)',
  programs: {
    'multus-4.2': { module: 'multus-4.2', target: `${MULTUS}/multus`, stamped: false },
    'multus-4.3': { module: 'multus-4.3', target: `${MULTUS}/multus`, stamped: false },
  },
};

/** What Multus' image for the thick plugin has, by the names that it has there. */
export const thickMultusSet: ProgramSet = {
  said: 'the daemon of Multus 4.3 from source (once: about 2 minutes)',
  programs: {
    'multus-daemon': { module: 'multus-4.3', target: `${MULTUS}/multus-daemon`, stamped: false },
    'multus-shim': { module: 'multus-4.3', target: `${MULTUS}/multus-shim`, stamped: false },
    install_multus: { module: 'multus-4.3', target: `${MULTUS}/install_multus`, stamped: false },
    passthru: { module: 'multus-4.3', target: `${MULTUS}/passthru-cni`, stamped: false },
  },
};

export const metalLbSet: ProgramSet = {
  said: 'MetalLB from source (once: about 4 minutes)',
  programs: {
    'metallb-controller': {
      module: 'metallb',
      target: 'go.universe.tf/metallb/controller',
      stamped: false,
    },
    'metallb-speaker': { module: 'metallb', target: 'go.universe.tf/metallb/speaker', stamped: false },
  },
};

/** Helm, and a program of ours with the libraries that controllers are made with. */
export const clientSet: ProgramSet = {
  said: 'Helm and a controller from source (once: about 3 minutes)',
  programs: {
    helm: { module: 'clients', target: 'helm.sh/helm/v3/cmd/helm', stamped: false },
    clients: { module: 'clients', target: '.', stamped: false },
  },
};

/** An IPAM plugin whose addresses are imported. */
export const whereaboutsSet: ProgramSet = {
  said: 'Whereabouts from source (once: about 1 minute)',
  programs: {
    whereabouts: {
      module: 'whereabouts',
      target: 'github.com/k8snetworkplumbingwg/whereabouts/cmd',
      stamped: false,
    },
  },
};

const images = 'k8s.io/kubernetes/test/images';

/** Kubernetes' own tests of the network, the program that runs them side by side, and what their pods run. */
export const e2eSet: ProgramSet = {
  said: 'the tests of Kubernetes, agnhost and CoreDNS from source (once: about 2 minutes after the cluster)',
  programs: {
    'e2e.test': { module: 'e2e', target: '.', stamped: true, isTests: true },
    ginkgo: { module: 'e2e', target: 'github.com/onsi/ginkgo/v2/ginkgo', stamped: false },
    agnhost: { module: 'e2e', target: `${images}/agnhost`, stamped: true },
    'regression-issue-74839': {
      module: 'e2e',
      target: `${images}/regression-issue-74839`,
      stamped: false,
    },
    // A module of its own: its libraries are older than those of Kubernetes 1.34.
    coredns: { module: 'coredns', target: '.', stamped: false },
  },
};
