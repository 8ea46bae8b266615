export { type ConfigNeighbours, defaultMultusConfig, multusConfigIssues } from './admission.ts';
export { renderDefinition } from './definition.ts';
export { definitionChanges } from './definition-changes.ts';
export { type Outcome, readyCondition } from './definition-status.ts';
export { definitionName } from './names.ts';
export { unknownFields, unknownFieldsText } from './unknown-fields.ts';
export { multusConfigWarnings } from './warnings.ts';
