// ARP and ND frames, byte by byte.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '#ip';
import { arpAnnouncement, arpProbe, decodeArp } from './arp.ts';
import {
  decodeNeighbourMessage,
  duplicateProbe,
  neighbourSolicitation,
  solicitedNode,
  unsolicitedAdvertisement,
} from './nd.ts';

const mac = '0a:1b:0a:06:d4:65';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('an ARP probe is broadcast and has no sender address', () => {
  const golden =
    'ffffffffffff' +
    '0a1b0a06d465' +
    '0806' +
    '0001080006040001' +
    '0a1b0a06d465' +
    '00000000' +
    '000000000000' +
    '0a06d465';
  assert.equal(hex(arpProbe(mac, parseAddress('10.6.212.101'))), golden);
});

test('an ARP announcement names the address twice', () => {
  const packet = decodeArp(arpAnnouncement(mac, parseAddress('10.6.212.101')));
  assert.equal(packet?.operation, 'request');
  assert.equal(packet.senderMac, mac);
  const said = [packet.senderAddress, packet.targetAddress].map(formatAddress);
  assert.deepEqual(said, ['10.6.212.101', '10.6.212.101']);
});

test('a frame that is not ARP for IPv4 is ignored', () => {
  const frame = arpProbe(mac, parseAddress('10.6.212.101'));
  assert.equal(decodeArp(frame.subarray(0, 41)), undefined);
  assert.equal(decodeArp(frame.with(15, 6)), undefined, 'hardware type');
  assert.equal(decodeArp(frame.with(21, 3)), undefined, 'operation');
  assert.equal(decodeArp(duplicateProbe(mac, parseAddress('fd00::1'))), undefined);
});

test('a duplicate address probe goes from :: to the solicited-node group, without options', () => {
  const golden =
    '3333ff012345' +
    '0a1b0a06d465' +
    '86dd' +
    '6000000000183aff' +
    '00'.repeat(16) +
    'ff0200000000000000000001ff012345' +
    '8700' +
    'CSUM' +
    '00000000' +
    'fd00000000000000000000000a012345';
  const frame = hex(duplicateProbe(mac, parseAddress('fd00::a01:2345')));
  const checksum = frame.slice((14 + 40 + 2) * 2, (14 + 40 + 4) * 2);
  assert.equal(frame, golden.replace('CSUM', checksum));
  assert.ok(decodeNeighbourMessage(duplicateProbe(mac, parseAddress('fd00::a01:2345'))) !== undefined);
});

test('a solicitation from an address carries our link-layer address', () => {
  const message = decodeNeighbourMessage(
    neighbourSolicitation(mac, parseAddress('fd00::1'), parseAddress('fd00::2')),
  );
  assert.deepEqual([message?.kind, message?.mac, message?.frameSource], ['solicitation', mac, mac]);
  assert.equal(message && formatAddress(message.destination), 'ff02::1:ff00:2');
});

test('an unsolicited advertisement goes to all nodes and overrides', () => {
  const frame = unsolicitedAdvertisement(mac, parseAddress('fd00::1'));
  assert.equal(hex(frame.subarray(0, 6)), '333300000001');
  const message = decodeNeighbourMessage(frame);
  assert.deepEqual([message?.override, message?.solicited, message?.router], [true, false, false]);
  assert.deepEqual([message?.mac, message && formatAddress(message.target)], [mac, 'fd00::1']);
});

test('messages that RFC 4861 requires to drop are dropped', () => {
  const frame = unsolicitedAdvertisement(mac, parseAddress('fd00::1'));
  assert.equal(decodeNeighbourMessage(frame.with(21, 64)), undefined, 'hop limit below 255');
  assert.equal(decodeNeighbourMessage(frame.with(60, 1)), undefined, 'checksum');
  assert.equal(decodeNeighbourMessage(frame.subarray(0, frame.length - 1)), undefined, 'cut short');
  assert.equal(decodeNeighbourMessage(arpProbe(mac, parseAddress('10.0.0.1'))), undefined);
});

test('the solicited-node group contains the last 24 bits', () => {
  assert.equal(formatAddress(solicitedNode(parseAddress('2001:db8::ab:cdef'))), 'ff02::1:ffab:cdef');
});
