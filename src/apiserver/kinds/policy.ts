// What the server does to the kinds of policy and scheduling: PodDisruptionBudgets and PriorityClasses.

import { setDefault, valueAt } from '../json.ts';
import type { Strategy } from '../ports.ts';

export const disruptionBudgetStrategy: Strategy = {
  validate(budget) {
    const both = ['minAvailable', 'maxUnavailable'].every(
      (field) => valueAt(budget, 'spec', field) !== undefined,
    );
    if (!both) return [];
    const message = 'Invalid value: minAvailable and maxUnavailable cannot be both set';
    return [{ reason: 'FieldValueInvalid', message, field: 'spec' }];
  },
};

export const priorityClassStrategy: Strategy = {
  prepareCreate: (priority) => setDefault(priority, 'preemptionPolicy', 'PreemptLowerPriority'),
};
