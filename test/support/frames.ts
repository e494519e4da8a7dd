/** Ethernet frames byte by byte, for tests of what may pass a bridge. */

/** Where a frame comes from and goes to. */
export interface Ends {
  readonly fromMac: string;
  readonly toMac: string;
  readonly from: string;
  readonly to: string;
}

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

const bytesOfMac = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
const bytesOfAddress = (address: string): Buffer => Buffer.from(address.split('.').map(Number));
const word = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

function ethernet({ fromMac, toMac }: Pick<Ends, 'fromMac' | 'toMac'>, type: number, payload: Buffer): string {
  const frame = Buffer.concat([bytesOfMac(toMac), bytesOfMac(fromMac), word(type), payload]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(60 - frame.length, 0))]).toString('hex');
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function withChecksum(bytes: Buffer, at: number, over: Buffer = bytes): Buffer {
  const filled = Buffer.from(bytes);
  filled.writeUInt16BE(checksum(over), at);
  return filled;
}

/** ARP (RFC 826). `senderMac` stands within it; the frame's own unless said. */
export function arp(kind: 'request' | 'reply', ends: Ends, senderMac = ends.fromMac): string {
  const target = kind === 'request' ? '00:00:00:00:00:00' : ends.toMac;
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, kind === 'request' ? 1 : 2]);
  const parts = [head, bytesOfMac(senderMac), bytesOfAddress(ends.from), bytesOfMac(target), bytesOfAddress(ends.to)];
  return ethernet(ends, 0x0806, Buffer.concat(parts));
}

function ipv4(ends: Ends, protocol: number, payload: Buffer): string {
  const head = Buffer.concat([
    Buffer.from([0x45, 0]),
    word(20 + payload.length),
    Buffer.from([0x12, 0x34, 0, 0, 64, protocol, 0, 0]),
    bytesOfAddress(ends.from),
    bytesOfAddress(ends.to),
  ]);
  return ethernet(ends, 0x0800, Buffer.concat([withChecksum(head, 10), payload]));
}

/** ICMP echo request. */
export function ping(ends: Ends): string {
  return ipv4(ends, 1, withChecksum(Buffer.from([8, 0, 0, 0, 0x48, 0x48, 0, 1, 1, 2, 3, 4]), 2));
}

function pseudoHead(ends: Ends, protocol: number, length: number): Buffer {
  return Buffer.concat([bytesOfAddress(ends.from), bytesOfAddress(ends.to), Buffer.from([0, protocol]), word(length)]);
}

/** The first segment of a TCP connection. */
export function syn(ends: Ends, port: number): string {
  const head = Buffer.concat([
    word(40_123),
    word(port),
    Buffer.from([1, 2, 3, 4, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0]),
  ]);
  return ipv4(ends, 6, withChecksum(head, 16, Buffer.concat([pseudoHead(ends, 6, head.length), head])));
}

/** A UDP datagram of four bytes. */
export function datagram(ends: Ends, port: number): string {
  const head = Buffer.concat([word(40_124), word(port), word(12), Buffer.from([0, 0, 1, 2, 3, 4])]);
  return ipv4(ends, 17, withChecksum(head, 6, Buffer.concat([pseudoHead(ends, 17, head.length), head])));
}

/** An IPv6 neighbour solicitation, as far as any filter looks. */
export function ipv6(fromMac: string): string {
  const head = Buffer.from('6000000000183aff', 'hex');
  const from = Buffer.from('fe80000000000000004848fffe000001', 'hex');
  const to = Buffer.from('ff0200000000000000000001ff000002', 'hex');
  return ethernet({ fromMac, toMac: '33:33:ff:00:00:02' }, 0x86dd, Buffer.concat([head, from, to, Buffer.alloc(24)]));
}

/** A frame to the bridge itself (LLDP, IEEE 802.1AB): it is never forwarded, and the bridge learns its sender's MAC. */
export function toBridge(fromMac: string): string {
  return ethernet({ fromMac, toMac: '01:80:c2:00:00:0e' }, 0x88cc, Buffer.alloc(46));
}

/** The same frame with a priority tag (IEEE 802.1Q, VLAN 0), which receivers take as if it had none. */
export function tagged(frame: string): string {
  return `${frame.slice(0, 24)}81000000${frame.slice(24)}`;
}

/** What a frame that came in is, as far as these tests ask. */
export interface HeardFrame {
  readonly kind: 'arp-request' | 'arp-reply' | 'icmp' | 'tcp' | 'udp' | 'other';
  readonly fromMac: string;
  /** Empty where it is neither ARP nor IPv4. */
  readonly from: string;
  readonly to: string;
}

const PROTOCOLS: Readonly<Record<number, HeardFrame['kind']>> = { 1: 'icmp', 6: 'tcp', 17: 'udp' };

export function readFrame(hex: string): HeardFrame {
  const bytes = Buffer.from(hex, 'hex');
  const fromMac = (bytes.subarray(6, 12).toString('hex').match(/../g) ?? []).join(':');
  const address = (at: number): string => [...bytes.subarray(at, at + 4)].join('.');
  switch (bytes.readUInt16BE(12)) {
    case 0x0806:
      return { kind: bytes[21] === 1 ? 'arp-request' : 'arp-reply', fromMac, from: address(28), to: address(38) };
    case 0x0800:
      return { kind: PROTOCOLS[bytes[23] ?? 0] ?? 'other', fromMac, from: address(26), to: address(30) };
    default:
      return { kind: 'other', fromMac, from: '', to: '' };
  }
}
