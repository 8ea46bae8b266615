export { labCommands } from './lab-commands.ts';
export { clientOf, siteOf } from './site.ts';
