import type { Envelope } from '../protocol/envelope.js';
import type { Broadcast, Control, GatewayLink, GatewayListener, LoadEnvelopes, Reply } from './broadcast.js';

interface Room {
  offset: number;
  /** The newest envelopes, without a hole, the last one at `offset`. */
  readonly history: Envelope[];
}

interface Link {
  readonly listener: GatewayListener;
  readonly rooms: Set<string>;
}

/** Rooms whose short history is kept; the one written longest ago goes first, and starts again from the database. */
const maxRooms = 10_000;

/** The embedded twin of the Redis broadcast: one process, the same promises. */
export function createMemoryBroadcast({ historySize }: { historySize: number }): Broadcast {
  const rooms = new Map<string, Room>();
  const links = new Map<string, Link>();

  function remember(envelope: Envelope): void {
    const room = rooms.get(envelope.roomId) ?? { offset: 0, history: [] };
    rooms.delete(envelope.roomId);
    rooms.set(envelope.roomId, room);
    room.offset = envelope.offset;
    room.history.push(envelope);
    if (room.history.length > historySize) room.history.shift();
    if (rooms.size > maxRooms) rooms.delete(rooms.keys().next().value!);
  }

  async function publishOne(envelope: Envelope, load: LoadEnvelopes): Promise<void> {
    const { roomId, offset } = envelope;
    const current = rooms.get(roomId)?.offset;
    if (current !== undefined && offset > current + 1) {
      for (const missed of await load(roomId, current, offset - 1)) await publishOne(missed, load);
    }
    const now = rooms.get(roomId)?.offset;
    if (now !== undefined && offset <= now) return;
    if (now !== undefined && offset > now + 1) rooms.delete(roomId);
    remember(envelope);
    for (const { listener, rooms: held } of links.values()) if (held.has(roomId)) listener.onEnvelope(envelope);
  }

  return {
    async publish(envelopes, load) {
      for (const envelope of envelopes) await publishOne(envelope, load);
    },
    async whisper(roomId, frame) {
      for (const { listener, rooms: held } of links.values()) if (held.has(roomId)) listener.onWhisper(roomId, frame);
    },
    async reply(gatewayId: string, reply: Reply) {
      links.get(gatewayId)?.listener.onReply(reply);
    },
    async control(control: Control) {
      for (const { listener } of links.values()) listener.onControl(control);
    },
    async open(gatewayId, listener): Promise<GatewayLink> {
      const link: Link = { listener, rooms: new Set() };
      links.set(gatewayId, link);
      return {
        async subscribe(roomIds) {
          for (const id of roomIds) link.rooms.add(id);
        },
        async unsubscribe(roomIds) {
          for (const id of roomIds) link.rooms.delete(id);
        },
        async watchUser() {},
        async unwatchUser() {},
        async history(roomId, after) {
          const room = rooms.get(roomId);
          if (!room || room.offset - after > room.history.length) return null;
          return after >= room.offset ? [] : room.history.slice(after - room.offset);
        },
        async close() {
          links.delete(gatewayId);
        },
      };
    },
    async ping() {},
    async close() {
      links.clear();
      rooms.clear();
    },
  };
}
