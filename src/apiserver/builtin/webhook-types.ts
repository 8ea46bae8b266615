// The types of webhook configurations (k8s.io/api admissionregistration/v1, by field).

const shared = `
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

export const webhookTypes = `
MutatingWebhook A server that may change what is written.${shared}
  reinvocationPolicy string

ValidatingWebhook A server that may refuse what is written.${shared}

WebhookClientConfig Where the server is, and by what certificate it is known.
  url string
  service ServiceReference
  caBundle bytes

ServiceReference A Service before the server.
  namespace! string
  name! string
  path string
  port int

RuleWithOperations Which writes the server is asked about.
  operations [string]
  apiGroups [string]
  apiVersions [string]
  resources [string]
  scope string

MatchCondition A rule in CEL that must hold before the server is asked.
  name! string
  expression! string
`;
