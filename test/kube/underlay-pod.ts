// A pod whose only network is the underlay, as a manifest.

export interface UnderlayPod {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The scheduler chooses one unless set. */
  readonly node?: string;
}

/** A manifest for `kubectl create`. The pod ends at once when it is deleted. */
export function underlayPod({ name, annotations = {}, node }: UnderlayPod): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      annotations: { 'v1.multus-cni.io/default-network': 'kube-system/macvlan-underlay', ...annotations },
    },
    spec: {
      ...(node !== undefined && { nodeName: node }),
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'c', image: 'localhost/orbweaver/probe:1', imagePullPolicy: 'Never' }],
    },
  });
}
