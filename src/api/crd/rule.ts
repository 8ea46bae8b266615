// Validation rules in CEL, beyond the form of a single field. API servers evaluate them (x-kubernetes-validations).

/** One rule. */
export interface ValidationRule {
  /** CEL over `self`. A transition rule also uses `oldSelf`, and the server evaluates it only on updates. */
  readonly rule: string;
  /** The message for the user. It names what is allowed. */
  readonly message: string;
  /** The field that the message is about, as `.gateway`. API servers before 1.28 name the whole object instead. */
  readonly fieldPath?: string;
}

/** Schema metadata with these rules. */
export function rules(...validations: ValidationRule[]): Readonly<Record<string, readonly ValidationRule[]>> {
  return { 'x-kubernetes-validations': validations };
}

/** The field cannot change once it is set. It can be set later, because admission derives absent fields. */
export function immutableField(field: string): ValidationRule {
  return {
    rule: `!has(oldSelf.${field}) || (has(self.${field}) && self.${field} == oldSelf.${field})`,
    message: `${field} is immutable`,
  };
}
