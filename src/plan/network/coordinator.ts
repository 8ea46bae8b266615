// What `coordinator` does to one NIC: which mode it means, and the plan of that mode.

import { OrbError } from '#base';
import type { DesiredNetwork } from './desired.ts';
import { planUnderlay, type UnderlayInput } from './underlay.ts';

/** The plan of the NIC; undefined where the settings switch the coordinator off and the result passes through unchanged. */
export function planCoordinator(input: UnderlayInput): DesiredNetwork | undefined {
  const { mode, podDefaultCniNic } = input.settings;
  const { interfaceName } = input.attachment;
  if (mode === 'disable') return undefined;
  if (mode === 'overlay') {
    throw new OrbError('COORDINATOR_UNSERVED', {
      message: `mode 'overlay' is not served for interface ${interfaceName}; served: underlay (auto) on the pod's first interface, disable`,
      subject: 'coordinator option mode',
    });
  }
  if (interfaceName !== podDefaultCniNic) {
    throw new OrbError('COORDINATOR_UNSERVED', {
      message: `interface ${interfaceName} is not served in mode '${mode}'; served: the pod's first interface ${podDefaultCniNic} (podDefaultCniNic)`,
      subject: `interface ${interfaceName}`,
    });
  }
  return planUnderlay(input);
}
