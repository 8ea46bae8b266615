// Links that stand on others behave in a real namespace as the compliance suite says, which the fake passes too.

import { before, describe } from 'node:test';
import { linkKindCompliance } from '../../test/compliance/link-kinds.ts';
import { needs } from '../../test/uml/kernel-part.ts';
import { makeNetns, openNamespaceOf, primeThreads } from './index.ts';

describe('links of a namespace of the kernel', needs('vlan', 'ipvlan', 'bond', 'dummy'), () => {
  before(primeThreads);
  linkKindCompliance(() => [openNamespaceOf(makeNetns()), openNamespaceOf(makeNetns())]);
});
