/**
 * A broadcast server on `ws` and nothing else: no queue, no database, no check. It takes and sends the same frames as
 * this project does, which makes it the ceiling of what one process can deliver. With PREFRAMED=1 it writes the bytes
 * of a frame, built once, past `ws` into each socket.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import * as ws from 'ws';
import { wireMessage } from './wire.js';

interface Member {
  readonly id: number;
  readonly socket: WebSocket;
  readonly raw: Duplex;
}

interface ClientFrame {
  readonly event_type: string;
  readonly id?: string;
  readonly data: { readonly room_id: string; readonly content: string };
}

// express-ws brings the types of ws 7, where the server had another name.
const { WebSocketServer } = ws as unknown as { WebSocketServer: typeof WebSocket.Server };
const isPreframed = process.env.PREFRAMED === '1';
const rooms = new Map<string, { offset: number; members: Set<Member> }>();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });

/** One WebSocket text frame of a server. */
function frameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.alloc(head + length);
  frame[0] = 0x81;
  frame[1] = head === 2 ? length : head === 4 ? 126 : 127;
  if (head === 4) frame.writeUInt16BE(length, 2);
  if (head === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, head);
  return frame;
}

function broadcast(members: ReadonlySet<Member>, frame: object): void {
  const text = JSON.stringify(frame);
  if (isPreframed) {
    const bytes = frameOf(text);
    for (const { raw } of members) raw.write(bytes);
  } else {
    const bytes = Buffer.from(text);
    for (const { socket } of members) socket.send(bytes, { binary: false });
  }
}

function take(member: Member, { event_type, id, data }: ClientFrame): void {
  const room = rooms.get(data.room_id);
  if (!room) return;
  const username = `person_${member.id}`;
  if (event_type === 'message.typing') {
    const { room_id } = data;
    broadcast(room.members, {
      eventType: 'messagetyping.dispatch',
      data: { username, user_id: member.id, room_id },
      room_id,
    });
    return;
  }
  const stored = { ...data, id: randomUUID(), seq: ++room.offset, created_at: new Date() };
  const sender = { id: member.id, username, email: null, first_name: null, last_name: null };
  broadcast(room.members, {
    eventType: 'message.dispatch',
    data: wireMessage(stored, sender),
    room_id: data.room_id,
    offset: room.offset,
  });
  const made = { status: 'successful', message_id: stored.id, seq: stored.seq };
  member.socket.send(JSON.stringify({ eventType: 'event.ack', data: made, id }));
}

server.on('connection', (socket, request) => {
  const query = new URL(request.url ?? '/', 'ws://localhost').searchParams;
  const member = { id: Number(query.get('user')), socket, raw: request.socket };
  const joined = (query.get('rooms') ?? '').split(',').map((id) => {
    const room = rooms.get(id) ?? { offset: 0, members: new Set<Member>() };
    rooms.set(id, room);
    room.members.add(member);
    return room;
  });
  socket.on('message', (data) => take(member, JSON.parse(data.toString())));
  socket.on('close', () => {
    for (const room of joined) room.members.delete(member);
  });
  socket.on('error', () => socket.terminate());
  socket.send('{"eventType":"chat.notifications","data":{}}');
});

server.on('listening', () => process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`));
process.once('SIGTERM', () => process.exit(0));
