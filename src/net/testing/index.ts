export { FakeNamespace, type FakeNamespaces } from './fake-namespace.ts';
