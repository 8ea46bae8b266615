// The types of questions about access and identity (k8s.io/api authorization/v1 and authentication/v1, by field).

export const reviewTypes = `
ResourceAttributes What is to be done to which object.
  namespace string
  verb string
  group string
  version string
  resource string
  subresource string
  name string
  fieldSelector object
  labelSelector object

NonResourceAttributes What is to be done at which path.
  path string
  verb string

SubjectAccessReviewSpec May this user do that?
  resourceAttributes ResourceAttributes
  nonResourceAttributes NonResourceAttributes
  user string
  groups [string]
  extra object
  uid string

SelfSubjectAccessReviewSpec May I do that?
  resourceAttributes ResourceAttributes
  nonResourceAttributes NonResourceAttributes

SubjectAccessReviewStatus The answer.
  allowed! bool
  denied bool
  reason string
  evaluationError string

SelfSubjectRulesReviewSpec What may I do in this namespace?
  namespace string

SubjectRulesReviewStatus What the user may do.
  resourceRules! [ResourceRule]
  nonResourceRules! [NonResourceRule]
  incomplete! bool
  evaluationError string

ResourceRule Objects and what may be done to them.
  verbs! [string]
  apiGroups [string]
  resources [string]
  resourceNames [string]

NonResourceRule Paths and what may be done at them.
  verbs! [string]
  nonResourceURLs [string]

UserInfo Who somebody is.
  username string
  uid string
  groups [string]
  extra object

SelfSubjectReviewStatus Who I am.
  userInfo UserInfo

TokenReviewSpec Whose token is this?
  token string
  audiences [string]

TokenReviewStatus Whose it is.
  authenticated bool
  user UserInfo
  audiences [string]
  error string

TokenRequest Asks for a token of a service account.
  apiVersion string
  kind string
  metadata ObjectMeta
  spec! TokenRequestSpec
  status TokenRequestStatus

TokenRequestSpec For whom, and for how long.
  audiences [string]
  expirationSeconds long
  boundObjectRef BoundObjectReference

BoundObjectReference The token is good as long as this object is there.
  kind string
  apiVersion string
  name string
  uid string

TokenRequestStatus The token.
  token! string
  expirationTimestamp! time
`;
