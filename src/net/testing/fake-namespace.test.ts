// The fake namespace behaves as the compliance suite says; src/kernel runs the same suite on real ones.

import { describe } from 'node:test';
import { linkKindCompliance } from '../../../test/compliance/link-kinds.ts';
import { namespaceCompliance } from '../../../test/compliance/network-namespace.ts';
import { FakeNamespace, type FakeNamespaces } from './index.ts';

describe('FakeNamespace', () => {
  namespaceCompliance(() => {
    const peers: FakeNamespaces = new Map();
    return { one: new FakeNamespace({ peers }), other: new FakeNamespace({ peers }) };
  });
  linkKindCompliance(() => {
    const peers: FakeNamespaces = new Map();
    return [new FakeNamespace({ peers }), new FakeNamespace({ peers })];
  });
});
