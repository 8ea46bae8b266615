export { NeutronSource } from './neutron-source.ts';
