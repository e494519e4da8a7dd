import { beginFrame, endFrame } from '../frame.ts';
import type { Header } from '../frame.ts';
import { MessageStatus, MessageType, PROGRAM_KEEPALIVE, PROGRAM_REMOTE } from '../protocol.ts';
import { XdrReader, XdrWriter } from '../xdr.ts';

/** A message taken apart. */
export interface Message extends Header {
  readonly payload: Buffer;
}

/** A message put together. */
export const frame = (header: Header, write: (writer: XdrWriter) => void = () => undefined): Buffer => {
  const writer = new XdrWriter();
  const start = beginFrame(writer, header);
  write(writer);
  endFrame(writer, start);
  return writer.takeBytes();
};

/** Takes a whole message apart. */
export const parse = (bytes: Buffer): Message => {
  const reader = new XdrReader().reset(bytes, 4, bytes.length);
  const program = reader.u32();
  reader.u32();
  const [procedure, type, serial, status] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  return { program, procedure, type, serial, status, payload: reader.rest() };
};

/** Takes apart the messages that stand one behind the other. */
export const parseAll = (bytes: Buffer): readonly Message[] => {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    messages.push(parse(bytes.subarray(at, at + bytes.readUInt32BE(at))));
  }
  return messages;
};

/** The daemon's answer to a call. */
export const reply = (call: Header, write?: (writer: XdrWriter) => void): Buffer =>
  frame({ ...call, type: MessageType.reply, status: MessageStatus.ok }, write);

/** The daemon's refusal of a call, or of a stream. */
export const refusal = (call: Header, code: number, message: string, type: number = MessageType.reply): Buffer =>
  frame({ ...call, type, status: MessageStatus.error }, (writer) => {
    writer.u32(code);
    writer.u32(12);
    writer.nullable(message, (text) => writer.string(text));
    writer.u32(2);
    for (let i = 0; i < 4; i++) writer.u32(0);
    writer.u32(0);
    writer.u32(0);
    writer.u32(0);
  });

/** A message of the daemon's own accord. */
export const event = (procedure: number, write?: (writer: XdrWriter) => void): Buffer =>
  frame({ program: PROGRAM_REMOTE, procedure, type: MessageType.message, serial: 0, status: MessageStatus.ok }, write);

/** A keep-alive message: 1 is a ping, 2 its answer. */
export const keepAlive = (procedure: number): Buffer =>
  frame({ program: PROGRAM_KEEPALIVE, procedure, type: MessageType.message, serial: 0, status: MessageStatus.ok });

export const isStream = ({ type }: Message): boolean => type === MessageType.stream;

/** A packet of the stream that a call opened. */
export const streamPacket = (call: Message, status: number, data = Buffer.alloc(0)): Buffer =>
  frame({ ...call, type: MessageType.stream, status }, (writer) => writer.raw(data));

/** What libvirtd answers to the end of a stream as its client told it. */
export const answerToEnd = (message: Message): Buffer =>
  message.status === MessageStatus.ok
    ? streamPacket(message, MessageStatus.ok)
    : refusal(message, 38, 'stream aborted at client request', MessageType.stream);
