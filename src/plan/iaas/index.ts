export { boundAddress, boundBy, podOfRecord } from './bound-records.ts';
export {
  type BoundAddress,
  bindingBody,
  type IaasPod,
  readBinding,
  releaseBody,
} from './contract.ts';
