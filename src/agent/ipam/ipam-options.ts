// What a network configuration asks of Spiderpool's allocator.

import { type NetConf, parseSpiderpoolIpam, type SpiderpoolIpam } from '#api';
import { OrbError } from '#base';

/** The options in the configuration's object `ipam`. Throws INPUT_INVALID, which names the field and its value. */
export function ipamOptions(conf: NetConf): SpiderpoolIpam {
  const options = parseSpiderpoolIpam(conf);
  if (!options.match_master_subnet) return options;
  throw new OrbError('INPUT_INVALID', {
    message: 'ipam.match_master_subnet true is not supported; allowed: false',
    subject: 'network configuration',
  });
}
