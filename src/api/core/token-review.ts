// TokenReview: whose token this is. TokenRequest: a new token for a ServiceAccount (authentication.k8s.io/v1).

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

export const tokenReviewSchema = partOf({
  ...typeFields,
  spec: partOf({
    token: z.string().optional().describe('The token that is reviewed.'),
    audiences: z.array(z.string()).nullish().describe('The token must be for one of these audiences.'),
  }).describe('What is reviewed.'),
  status: partOf({
    authenticated: z.boolean().optional().describe('Whether the token is valid.'),
    user: partOf({
      username: z.string().optional().describe('The name of the owner.'),
      extra: z
        .record(z.string(), z.array(z.string()))
        .nullish()
        .describe('More about the owner, as the node of the pod that has the token.'),
    })
      .optional()
      .describe('The owner of the token.'),
    audiences: z.array(z.string()).nullish().describe('Those of the audiences that the token is for.'),
    error: z.string().optional().describe('Why the token could not be checked.'),
  })
    .optional()
    .describe('The result.'),
}).describe('TokenReview asks the server whose token this is.');

export type TokenReview = z.infer<typeof tokenReviewSchema>;

export const tokenReviews: ResourceType<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  statusSubresource: false,
  schema: tokenReviewSchema,
};

/** The answer to a TokenRequest. */
export const tokenRequestSchema = partOf({
  status: partOf({
    token: z.string().min(1).describe('The token.'),
    expirationTimestamp: z.string().describe('When it ends.'),
  }).describe('The result.'),
});
