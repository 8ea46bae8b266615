export { type AnswersRequest, whoAnswers } from './answers.ts';
export { type Announcement, announce, type ProbeReport, type ProbeRequest, probeNic } from './probe.ts';
