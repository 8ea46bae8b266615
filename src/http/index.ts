export { brokenOff, Connections, type HttpRequest, readBody, type TlsIdentity } from './connections.ts';
