export { announce, type ProbeReport, type ProbeRequest, probeNic } from './probe.ts';
