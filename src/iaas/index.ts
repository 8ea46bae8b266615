export { IaasProvider, type IaasProviderOptions, providerOptions } from './provider.ts';
