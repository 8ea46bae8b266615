export { addressCommands } from './address-commands.ts';
export { labCommands } from './lab-commands.ts';
export { clientOf, siteOf } from './site.ts';
export { runInTerminal } from './terminal.ts';
