export { type Announcement, announce, type ProbeReport, type ProbeRequest, probeNic } from './probe.ts';
