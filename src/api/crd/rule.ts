// Rules that go beyond the form of a field, in CEL, which API servers evaluate (x-kubernetes-validations).

/** One rule. */
export interface ValidationRule {
  /** CEL over `self`, and over `oldSelf` in a transition rule, which the server runs on updates only. */
  readonly rule: string;
  /** What the user reads: names what is allowed. */
  readonly message: string;
}

/** Metadata that attaches rules to a schema. */
export function rules(...validations: ValidationRule[]): Readonly<Record<string, readonly ValidationRule[]>> {
  return { 'x-kubernetes-validations': validations };
}

/** The field once set stays as it is; setting it later is allowed, since admission derives what is left out. */
export function immutableField(field: string): ValidationRule {
  return {
    rule: `!has(oldSelf.${field}) || (has(self.${field}) && self.${field} == oldSelf.${field})`,
    message: `${field} is immutable`,
  };
}
