export { annotationsOf, originOf } from './in-cluster.ts';
export { refuseOtherLogin } from './login.ts';
export { NeutronSource } from './neutron-source.ts';
export { tellRefusal } from './refusal-event.ts';
