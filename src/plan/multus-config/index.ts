export { type ConfigNeighbours, defaultMultusConfig, multusConfigIssues } from './admission.ts';
export { renderDefinition } from './definition.ts';
export { definitionChanges } from './definition-changes.ts';
export { type Outcome, readyCondition, takeOverText } from './definition-status.ts';
export { injectIssues } from './inject-issues.ts';
export { definitionName, INJECT_NETWORK_ANNOTATION, INJECT_RDMA_ANNOTATION } from './names.ts';
export { parentedPart, resourceName, type Spec } from './spec.ts';
export { unknownFields, unknownFieldsText } from './unknown-fields.ts';
export { multusConfigWarnings } from './warnings.ts';
