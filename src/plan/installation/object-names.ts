// The names of the objects of an installation. deploy/ and the chart make the first ones, and the controller makes the others.

/** The DaemonSet of the agents. The label `app.kubernetes.io/name` of its pods has this value. */
export const AGENTS = 'orbweaver-agent';
/** The Deployment of the controller, and the Service in front of its webhooks. The same label has this value. */
export const CONTROLLER = 'orbweaver-controller';
/** The label by which the pods of a program are found. */
export const PROGRAM_LABEL = 'app.kubernetes.io/name';
/** Every object of the chart has this label, with the value {@link PART}. */
export const PART_LABEL = 'app.kubernetes.io/part-of';
export const PART = 'orbweaver';
/** The two webhook configurations. */
export const WEBHOOK_CONFIGURATION = 'orbweaver';

/** The Lease of the controllers, in the namespace of the agents. */
export const CONTROLLER_LEASE = 'orbweaver-controller';
/** The ConfigMap with the networks that are about to be stored. */
export const CLAIMS_NAME = 'orbweaver-network-claims';
/** The ConfigMap with the routes that the controller added to routers of OpenStack. */
export const ROUTES_NAME = 'orbweaver-router-routes';
/** The ConfigMap with the floating IPs of OpenStack that pods have by the controller. */
export const FLOATING_IPS_NAME = 'orbweaver-floating-ips';
/** The Secret with the certificates of the webhooks. */
export const IDENTITY_SECRET_NAME = 'orbweaver-webhook-certificates';
/** Marks that Secret as ours. Without it, nothing is overwritten or deleted. */
export const IDENTITY_SECRET_LABEL = { key: 'orbweaver.io/certificates-of', value: 'webhooks' } as const;
