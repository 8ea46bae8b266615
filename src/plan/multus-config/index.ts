export { type ConfigNeighbours, defaultMultusConfig, multusConfigIssues } from './admission.ts';
export { renderDefinition } from './definition.ts';
export { definitionChanges } from './definition-changes.ts';
export { readyCondition } from './definition-status.ts';
export { unknownFields, unknownFieldsText } from './unknown-fields.ts';
export { multusConfigWarnings } from './warnings.ts';
