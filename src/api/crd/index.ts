export type { CustomKind, PrinterColumn } from './custom-kind.ts';
export { immutableField, rules, type ValidationRule } from './rule.ts';
export { type OpenApiSchema, structuralSchema } from './structural.ts';
