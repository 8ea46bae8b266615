// The types of webhook configurations (k8s.io/api admissionregistration/v1, by field).

const SHARED = `
  name! string
  clientConfig! WebhookClientConfig
  rules [RuleWithOperations]
  failurePolicy string
  matchPolicy string
  namespaceSelector LabelSelector
  objectSelector LabelSelector
  sideEffects! string
  timeoutSeconds int
  admissionReviewVersions! [string]
  matchConditions [MatchCondition] by name`;

export const WEBHOOK_TYPES = `
MutatingWebhook A webhook that may change an object before it is stored.${SHARED}
  reinvocationPolicy string

ValidatingWebhook A webhook that may refuse a request.${SHARED}

WebhookClientConfig Address of the webhook server, and the certificate that it must have.
  url string
  service ServiceReference
  caBundle bytes

ServiceReference The Service in front of the webhook server.
  namespace! string
  name! string
  path string
  port int

RuleWithOperations Requests for which the webhook is called.
  operations [string]
  apiGroups [string]
  apiVersions [string]
  resources [string]
  scope string

MatchCondition A CEL expression that must be true before the webhook is called.
  name! string
  expression! string
`;
