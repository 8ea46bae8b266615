// Real namespaces behave as the compliance suite says, which the fake passes too.

import { before, describe } from 'node:test';
import { namespaceCompliance } from '../../test/compliance/network-namespace.ts';
import { makeNetns, openNamespaceOf, primeThreads } from './index.ts';

describe('a namespace of the kernel', () => {
  before(primeThreads);
  namespaceCompliance(
    () => ({ one: openNamespaceOf(makeNetns()), other: openNamespaceOf(makeNetns()) }),
    ({ one, other }) => {
      one.close();
      other.close();
    },
  );
});
