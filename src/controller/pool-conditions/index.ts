export { poolConditionsController } from './pool-conditions.ts';
