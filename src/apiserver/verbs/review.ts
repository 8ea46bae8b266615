// Reviews: questions about access and identity. The answer is the question with its status. Nothing is stored.

import { type Authenticator, mayDoAll, userInfo } from '../access/index.ts';
import { sendJson } from '../http/index.ts';
import { type ApiObject, type Json, type JsonObject, stringAt, textsAt, valueAt } from '../json.ts';
import { asObject, checkForm } from '../objects/index.ts';
import { badRequest, methodNotAllowed, type StatusCause } from '../status.ts';
import { bodyOf, type ResourceCall } from './call.ts';

/** Answers a POST of a review kind. */
export async function review(authenticator: Authenticator, call: ResourceCall): Promise<void> {
  if (call.request.method !== 'POST' || call.path.name !== '') throw methodNotAllowed();
  const question = asObject(call.resource, await bodyOf(call));
  // Go clients send an empty status with the question.
  delete question.status;
  checkForm(call.resource, question, '', () => accessCauses(question));
  sendJson(call.response, 201, { ...question, status: answer(authenticator, call, question) });
}

function answer(authenticator: Authenticator, { user, resource }: ResourceCall, question: ApiObject): Json {
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  switch (resource.kind) {
    case 'SelfSubjectAccessReview':
      return { allowed: true };
    case 'SelfSubjectRulesReview':
      return {
        resourceRules: [everything],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      };
    case 'SelfSubjectReview':
      return { userInfo: userInfo(user) };
    case 'TokenReview':
      return tokenStatus(authenticator, question);
    default:
      return accessStatus(question);
  }
}

/** The checks of access reviews (kubernetes ValidateSubjectAccessReviewSpec). */
function accessCauses(question: ApiObject): StatusCause[] {
  const { kind } = question;
  if (kind === 'TokenReview' && !stringAt(question, 'spec', 'token'))
    throw badRequest('token is required for TokenReview in authentication');
  if (!kind.endsWith('AccessReview')) return [];
  const invalid = (field: string, value: string, why: string): StatusCause => {
    return { reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${why}`, field };
  };
  const has = (field: string) => valueAt(question, 'spec', field) !== undefined;
  const causes: StatusCause[] = [];
  if (has('resourceAttributes') && has('nonResourceAttributes')) {
    const why = 'cannot be specified in combination with resourceAttributes';
    causes.push(invalid('spec.nonResourceAttributes', 'nonResourceAttributes', why));
  } else if (!has('resourceAttributes') && !has('nonResourceAttributes')) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    causes.push(invalid('spec.resourceAttributes', 'null', why));
  }
  const somebody = stringAt(question, 'spec', 'user') || textsAt(question, 'spec', 'groups').length > 0;
  if (kind !== 'SelfSubjectAccessReview' && !somebody)
    causes.push(invalid('spec.user', '""', 'at least one of user or group must be specified'));
  return causes;
}

function accessStatus(question: ApiObject): JsonObject {
  const name = stringAt(question, 'spec', 'user') ?? '';
  if (mayDoAll(name, textsAt(question, 'spec', 'groups'))) return { allowed: true };
  return { allowed: false, reason: `this server knows no user ${JSON.stringify(name)}` };
}

function tokenStatus(authenticator: Authenticator, question: ApiObject): JsonObject {
  const known = authenticator.identify(stringAt(question, 'spec', 'token') ?? '');
  if (known === undefined) return { authenticated: false, error: 'the token is not known to this server' };
  const asked = textsAt(question, 'spec', 'audiences');
  const shared = asked.filter((audience) => known.audiences.includes(audience));
  if (asked.length > 0 && known.audiences.length > 0 && shared.length === 0)
    return { authenticated: false, error: 'the token is not for any of these audiences' };
  return { authenticated: true, user: userInfo(known.user), audiences: shared };
}
