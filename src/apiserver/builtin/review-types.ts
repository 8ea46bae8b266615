// The types of questions about access and identity (k8s.io/api authorization/v1 and authentication/v1, by field).

export const REVIEW_TYPES = `
ResourceAttributes The operation on an object that is reviewed.
  namespace string
  verb string
  group string
  version string
  resource string
  subresource string
  name string
  fieldSelector object
  labelSelector object

NonResourceAttributes The operation on a path that is reviewed.
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

SubjectAccessReviewStatus Result of the review.
  allowed! bool
  denied bool
  reason string
  evaluationError string

SelfSubjectRulesReviewSpec What may I do in this namespace?
  namespace string

SubjectRulesReviewStatus Operations that the user may do.
  resourceRules! [ResourceRule]
  nonResourceRules! [NonResourceRule]
  incomplete! bool
  evaluationError string

ResourceRule Objects and the operations that are allowed on them.
  verbs! [string]
  apiGroups [string]
  resources [string]
  resourceNames [string]

NonResourceRule Paths and the operations that are allowed on them.
  verbs! [string]
  nonResourceURLs [string]

UserInfo Name, groups and id of a user.
  username string
  uid string
  groups [string]
  extra object

SelfSubjectReviewStatus The user who sends the request.
  userInfo UserInfo

TokenReviewSpec Whose token is this?
  token string
  audiences [string]

TokenReviewStatus The user of the token.
  authenticated bool
  user UserInfo
  audiences [string]
  error string

TokenRequest Requests a token of a service account.
  apiVersion string
  kind string
  metadata ObjectMeta
  spec! TokenRequestSpec
  status TokenRequestStatus

TokenRequestSpec Audiences and lifetime of the token.
  audiences [string]
  expirationSeconds long
  boundObjectRef BoundObjectReference

BoundObjectReference An object; the token is valid until it is deleted.
  kind string
  apiVersion string
  name string
  uid string

TokenRequestStatus The token.
  token! string
  expirationTimestamp! time
`;
