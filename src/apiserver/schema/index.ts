export { applyDefaults } from './defaults.ts';
export { patternFault } from './pattern.ts';
export { prune } from './prune.ts';
export { RuleEngine } from './rules.ts';
export { anyValue, fieldSchema, type Schema } from './schema.ts';
export { TypeTable } from './type-text.ts';
export { validate } from './validate.ts';
