// Rules that go beyond the form of a field: CEL for kube-apiserver, and the same as a function for the embedded server.

/** One rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  /** CEL over `self`, and over `oldSelf` in a transition rule, which the server runs on updates only. */
  readonly rule: string;
  /** What the user reads: names what is allowed. */
  readonly message: string;
  /** The same decision as {@link rule}, for a server without a CEL interpreter. */
  readonly holds: (self: never, oldSelf: never) => boolean;
}

/** A rule with typed values; `T` is the value the rule is attached to. */
export function rule<T>(
  cel: string,
  message: string,
  holds: (self: T, oldSelf: T) => boolean,
): ValidationRule {
  return { rule: cel, message, holds: holds as ValidationRule['holds'] };
}

/** Whether the server runs the rule on updates only. */
export function isTransitionRule(validation: Pick<ValidationRule, 'rule'>): boolean {
  return /\boldSelf\b/.test(validation.rule);
}

/** The key of a schema's metadata that holds its rules. */
export const RULES_KEY = 'x-kubernetes-validations';

/** Metadata that attaches rules to a schema. */
export function rules(...validations: ValidationRule[]): { readonly [RULES_KEY]: readonly ValidationRule[] } {
  return { [RULES_KEY]: validations };
}

/** The field once set stays as it is; setting it later is allowed, since admission derives what is left out. */
export function immutableField<K extends string>(field: K): ValidationRule {
  type Parent = Readonly<Partial<Record<K, unknown>>>;
  return rule<Parent>(
    `!has(oldSelf.${field}) || (has(self.${field}) && self.${field} == oldSelf.${field})`,
    `${field} is immutable`,
    (self, oldSelf) => oldSelf[field] === undefined || self[field] === oldSelf[field],
  );
}
