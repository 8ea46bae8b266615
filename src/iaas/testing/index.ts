// For tests of what works without a provider.

import { silentLogger, systemClock } from '#base';
import { IaasProvider } from '../provider.ts';

/** No URL is set. */
export const noProvider = new IaasProvider({
  ...{ serverUrl: '', timeoutMs: 1000, tls: { caFile: '', certFile: '', keyFile: '' } },
  ...{ clock: systemClock, log: silentLogger },
});
export { type AskedRequest, answerJson, FakeProvider, type Fault, macOf } from './provider-fixture.ts';
