// The networks of flannel's pods: net-conf.json of its ConfigMap (flannel, pkg/subnet/config.go).

import { z } from 'zod';
import { checkJson } from '#api';
import { errorText } from '#base';
import { type Answer, fault, readNetworks, union } from './answer.ts';
import type { SourceReader } from './sources.ts';

const list = z.array(z.string()).nullish();

const netConfSchema = z.looseObject({
  Network: z.string().nullish(),
  Networks: list,
  IPv6Network: z.string().nullish(),
  IPv6Networks: list,
  EnableIPv4: z.boolean().nullish(),
  EnableIPv6: z.boolean().nullish(),
});

/** flannel inside k3s has no ConfigMap. */
export function flannelNetworks(reader: SourceReader): Answer {
  const configs = reader.items('flannelConfig');
  if ('faults' in configs) return configs;
  if (configs.length === 0) return fault('NotFound', 'there is no ConfigMap kube-flannel-cfg');
  return union(
    configs.map(({ metadata, data }) => {
      const subject = `ConfigMap ${metadata.namespace}/${metadata.name}, net-conf.json`;
      const text = data?.['net-conf.json'];
      if (text === undefined) return fault('NotFound', `${subject} is missing`);
      try {
        const conf = checkJson(netConfSchema, text, { subject });
        const ipv4 = conf.EnableIPv4 === false ? [] : [conf.Network ?? '', ...(conf.Networks ?? [])];
        const ipv6 = conf.EnableIPv6 === true ? [conf.IPv6Network ?? '', ...(conf.IPv6Networks ?? [])] : [];
        const answer = readNetworks([...ipv4, ...ipv6], subject);
        const isEmpty = answer.networks.length + answer.faults.length === 0;
        return isEmpty ? fault('NotFound', `${subject} has no networks`) : answer;
      } catch (error) {
        return fault('Malformed', errorText(error));
      }
    }),
  );
}
