// The provider of an IaaS that Spiderpool asks, as values of our chart, and what its user must know.

import type { AgentConfig } from '#api';
import type { Setting } from './setting.ts';

export type IaasProviderSettings = Pick<
  AgentConfig['iaasNetworkProvider'],
  'serverUrl' | 'httpRequestTimeout'
>;

/** Nobody is asked. */
export const noProvider: IaasProviderSettings = { serverUrl: '', httpRequestTimeout: 0 };

const PATH = 'iaasNetworkProvider';

/** None if no provider is asked. */
export function providerSettings({
  serverUrl,
  httpRequestTimeout: timeoutMs,
}: IaasProviderSettings): Setting[] {
  if (serverUrl === '') return [];
  const timeout = `${timeoutMs / 1000}s`;
  return [
    {
      from: `conf.yml ${PATH}.serverUrl`,
      value: serverUrl,
      chart: { path: `${PATH}.serverUrl`, value: serverUrl },
      ...(isVerified(serverUrl) && { note: `set ${CA_VALUE} too: Spiderpool verifies no certificate` }),
    },
    {
      from: `conf.yml ${PATH}.httpRequestTimeout`,
      value: timeout,
      chart: { path: `${PATH}.httpRequestTimeout`, value: timeout },
    },
  ];
}

/** The value of our chart that a provider with HTTPS needs, and that no setting of Spiderpool tells. */
export const CA_VALUE = `${PATH}.tls.caSecret`;

/** Whether Orbweaver verifies the provider's certificate. */
export function isVerified(serverUrl: string): boolean {
  return serverUrl.startsWith('https:');
}

export function providerWarnings({ serverUrl }: IaasProviderSettings): string[] {
  if (serverUrl === '') return [];
  const isService = /\.svc(\.|$)/.test(new URL(serverUrl).hostname);
  return [
    ...(isVerified(serverUrl)
      ? [
          `Spiderpool verifies no certificate of ${serverUrl}, and Orbweaver does: give the CA in a Secret, with ${CA_VALUE}, unless a public authority has signed it. Otherwise pods of its networks do not start`,
        ]
      : []),
    ...(isService
      ? [
          `${serverUrl} is a name of the cluster, which the nodes do not know: give an address, or a name that nodes know`,
        ]
      : []),
  ];
}
