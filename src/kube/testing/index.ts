export { type FakeCall, FakeKube } from './fake-kube.ts';
