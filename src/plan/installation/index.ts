export { isEstablished, type KindStep, kindStep, marked, VERSION_ANNOTATION } from './kind-step.ts';
export {
  asideName,
  confStep,
  confText,
  executableStep,
  type FileStep,
  type FoundFile,
  isOurConf,
} from './node-file.ts';
export {
  AGENTS,
  CLAIMS_NAME,
  CONTROLLER,
  CONTROLLER_LEASE,
  FLOATING_IPS_NAME,
  IDENTITY_SECRET_LABEL,
  IDENTITY_SECRET_NAME,
  PART,
  PART_LABEL,
  PROGRAM_LABEL,
  ROUTES_NAME,
  WEBHOOK_CONFIGURATION,
} from './object-names.ts';
export { type Platform, platforms } from './platforms.ts';
export {
  folderDifferences,
  foldersOfCrio,
  foldersOfStatus,
  type RuntimeFolders,
  type SetFolders,
} from './runtime-folders.ts';
