export { labCommands } from './lab-commands.ts';
export { siteOf } from './site.ts';
