// What nftables tells of changes: which table a message is about (nfnetlink.h, `struct nfgenmsg`; nf_tables.h).

import { ByteReader } from '#base';
import { Attributes } from './attributes.ts';
import type { Message } from './message.ts';

export const NFNLGRP_NFTABLES = 7;

const NFNL_SUBSYS_NFTABLES = 10;
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE and NFTA_RULE_TABLE are one number. */
const NFTA_TABLE = 1;
/** NFT_MSG_NEWTABLE, DELTABLE, NEWCHAIN, DELCHAIN, NEWRULE, DELRULE: elements of sets come by thousands, and we have none. */
const watched: readonly number[] = [0, 2, 3, 5, 6, 8];

/** The table's name; undefined for messages of other kinds. */
export function decodeTableName({ type, body }: Message): string | undefined {
  if (type >> 8 !== NFNL_SUBSYS_NFTABLES || !watched.includes(type & 0xff)) return undefined;
  const reader = new ByteReader(body, 'little');
  reader.skip(4);
  return new Attributes(reader.take(reader.remaining)).text(NFTA_TABLE);
}
