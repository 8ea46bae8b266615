// nftables in netlink: the event of a committed transaction, and the rules of one table (nfnetlink.h, `struct
// nfgenmsg`; nf_tables.h).

import { ByteReader } from '#base';
import type { NftRule } from '#net';
import { Attributes, MessageBody } from './attributes.ts';
import type { Message, Request } from './message.ts';

export const NETLINK_NETFILTER = 12;
export const NFNLGRP_NFTABLES = 7;

const NFNL_SUBSYS_NFTABLES = 10;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_USERDATA = 7;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_GETRULE = 7;
const NFPROTO_INET = 1;
/**
 * The nlmsg_type of the message that ends the notifications of every transaction (nf_tables_gen_notify). It has its own
 * datagram. When kube-proxy writes its rules, thousands of notifications come before it.
 */
export const NFT_NEW_GENERATION = (NFNL_SUBSYS_NFTABLES << 8) | 15;

/** A dump of the rules of one table of family inet, or of one chain of it. */
export function getNftRules(table: string, chain?: string): Request {
  const body = new MessageBody();
  // `struct nfgenmsg` with version 0 and no resource.
  body.writer.u8(NFPROTO_INET).u8(0).u16(0);
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE;
  body.text(NFTA_RULE_TABLE, table);
  if (chain !== undefined) body.text(NFTA_RULE_CHAIN, chain);
  return { type, flags: 0, body: body.writer.done() };
}

export function decodeNftRule({ type, body }: Message): NftRule | undefined {
  if (type !== ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE)) return undefined;
  const attributes = attributesOf(body);
  const userData = attributes.bytes(NFTA_RULE_USERDATA);
  return {
    chain: attributes.text(NFTA_RULE_CHAIN) ?? '',
    comment: userData === undefined ? undefined : commentIn(userData),
  };
}

function attributesOf(body: Uint8Array): Attributes {
  const reader = new ByteReader(body, 'little');
  reader.skip(4);
  return new Attributes(reader.take(reader.remaining));
}

/**
 * User data is type, length, value; type and length are one byte each. nft's comments have type 0 and end in NUL
 * (libnftnl, udata.h).
 */
function commentIn(userData: Uint8Array): string | undefined {
  const NFTNL_UDATA_RULE_COMMENT = 0;
  const reader = new ByteReader(userData, 'little');
  while (reader.remaining >= 2) {
    const type = reader.u8();
    const value = reader.take(reader.u8());
    if (type === NFTNL_UDATA_RULE_COMMENT) return Buffer.from(value).toString('utf8').replace(/\0$/, '');
  }
  return undefined;
}
