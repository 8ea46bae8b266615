export { type Action, statusActions } from './action.ts';
export { canonical } from './canonical.ts';
export { withCondition } from './condition.ts';
export { type Controller, type Plan, splitKey } from './controller.ts';
export { Controllers, type ControllersOptions } from './controllers.ts';
export {
  byNamespace,
  Informers,
  type ReadStore,
  type StateOf,
} from './informers.ts';
export { controlledBy, controlledOf, controllerKeys } from './ownership.ts';
