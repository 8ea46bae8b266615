export {
  type Emission,
  type ProbeTarget,
  Probing,
  type Sighting,
  type Verdict,
} from './probing.ts';
export { conflictError, gatewayError, unheardError, withoutAlternative } from './refusals.ts';
