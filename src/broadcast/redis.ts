// Long: both ends of the pipe, its keys and its scripts stand together, or they would drift apart.

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'winston';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.js';
import { writeTogether } from '../write-together.js';
import { inBatches } from './batches.js';
import type { Broadcast, Control, GatewayLink, GatewayListener, LoadEnvelopes, Reply } from './broadcast.js';
import { SharedControls, type StreamEntry } from './shared-controls.js';

/*
 * Keys, all below the prefix:
 *   group-<room>          channel of a room: envelopes, and whispers (offset 0)
 *   {<room>}:offset       the room's last published offset
 *   {<room>}:history      list of its newest envelopes, without a hole, the last one at that offset
 *   user-<user>           set of the gateways that hold a connection of the user
 *   gateway-<id>          stream of replies and controls for one gateway, read from the last id seen
 *   controls              what all gateways are told, see shared-controls.ts
 *   gateway-<id>:known    there while Redis holds what that gateway told it; gone when Redis was emptied
 */

/** Seconds a silent room's offset and history stay in Redis; the database knows both. */
const roomTtl = 3600;
/** Seconds after which the stream of a gateway that ended without a word goes. */
const gatewayTtl = 90;
const streamLength = 20_000;
/** Entries of each stream that a gateway reads at once. */
const readCount = 500;
/** Milliseconds between a gateway's looks whether Redis still knows it, and whether its silent link still lives. */
const knownInterval = 1000;
const probeInterval = 10_000;
/** A gap between two looks that only a frozen process has; a link that was away for as long is a long absence too. */
const freeze = 5000;
/** Milliseconds without a word on a connection that owes an answer: it is dead, or Redis is frozen. */
const silence = 10_000;
/** How long closing waits for Redis to forget a gateway. */
const closingPatience = 1000;

/**
 * Publishes each envelope that is its room's next one. Answers for each -1 published, -2 known already, else the room's
 * last offset. Keys: offset and history of each; arguments: history size, ttl, then of each the offset, the envelope, its
 * channel, and 1 if it is to be published whatever came before.
 */
const publishScript = `
local function publish(offsetKey, historyKey, offset, envelope, channel, isForced)
  local current = redis.call('GET', offsetKey)
  if current and isForced == '0' then
    current = tonumber(current)
    if offset <= current then return -2 end
    if offset > current + 1 then return current end
  else
    redis.call('DEL', historyKey)
  end
  redis.call('SET', offsetKey, offset, 'EX', ARGV[2])
  redis.call('RPUSH', historyKey, envelope)
  redis.call('LTRIM', historyKey, -tonumber(ARGV[1]), -1)
  redis.call('EXPIRE', historyKey, ARGV[2])
  redis.call('PUBLISH', channel, envelope)
  return -1
end
local results = {}
for i = 1, #KEYS / 2 do
  local at = 4 * i - 1
  results[i] = publish(KEYS[2 * i - 1], KEYS[2 * i], tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
end
return results`;

/** Envelopes after an offset, or nothing when the list does not reach back that far. */
const historyScript = `
local current = redis.call('GET', KEYS[1])
if not current then return false end
local count = tonumber(current) - tonumber(ARGV[1])
if count <= 0 then return {} end
if count > redis.call('LLEN', KEYS[2]) then return false end
return redis.call('LRANGE', KEYS[2], -count, -1)`;

/** What one reply or control is in a gateway's stream: a head, then its frames. An entry holds some. */
interface EntryPart {
  readonly head: object;
  readonly frames: readonly string[];
}

/** An envelope on its way: `force` 1 whatever was published before it. */
interface Publication {
  readonly envelope: Envelope;
  readonly text: string;
  readonly force: 0 | 1;
}

/** Pages of history and lists go by themselves. */
function isLarge({ frames }: EntryPart): boolean {
  return frames.reduce((length, frame) => length + frame.length, 0) > 4096;
}

interface Commands extends Redis {
  publishEnvelopes(keyCount: number, ...keysAndArguments: Array<string | number>): Promise<number[]>;
  readHistory(offsetKey: string, historyKey: string, after: number): Promise<string[] | null>;
}

export interface RedisBroadcastOptions {
  readonly redis: string | RedisOptions;
  readonly prefix: string;
  readonly historySize: number;
  readonly logger: Logger;
}

/** Opens a connection that waits for Redis as long as it takes, and never ends the process. */
function connect(redis: string | RedisOptions, logger: Logger, name: string, own: RedisOptions = {}): Redis {
  const options: RedisOptions = {
    maxRetriesPerRequest: null,
    enableAutoPipelining: false,
    autoResubscribe: false,
    socketTimeout: silence,
    retryStrategy: (tries) => Math.min(tries * 50, 1000),
    ...(typeof redis === 'string' ? {} : redis),
    ...own,
  };
  const connection = typeof redis === 'string' ? new Redis(redis, options) : new Redis(options);
  writeTogether(connection);
  let failing = false;
  connection.on('error', (error: Error) => {
    if (!failing)
      logger.error(`The Redis connection for ${name} failed, trying again until it is back: ${error.message}`);
    failing = true;
  });
  connection.on('ready', () => {
    if (failing) logger.info(`The Redis connection for ${name} is back.`);
    failing = false;
  });
  return connection;
}

export function createRedisBroadcast({ redis, prefix, historySize, logger }: RedisBroadcastOptions): Broadcast {
  const commands = connect(redis, logger, 'broadcast') as Commands;
  commands.defineCommand('publishEnvelopes', { lua: publishScript });
  commands.defineCommand('readHistory', { numberOfKeys: 2, lua: historyScript });
  const links = new Set<GatewayLink>();
  const sharedBy = () => new SharedControls(commands, prefix);
  const shared = sharedBy();
  const channelOf = (roomId: string) => `${prefix}:group-${roomId}`;
  const keysOf = (roomId: string): [string, string] => [
    `${prefix}:{${roomId}}:offset`,
    `${prefix}:{${roomId}}:history`,
  ];
  const userKey = (userId: string) => `${prefix}:user-${userId}`;
  const streamOf = (gatewayId: string) => `${prefix}:gateway-${gatewayId}`;
  const markOf = (gatewayId: string) => `${prefix}:gateway-${gatewayId}:known`;

  /** Messages that were committed together are published together. */
  const publishNext = inBatches(async (all: readonly Publication[]) => {
    const keys: string[] = [];
    const each: Array<string | number> = [];
    for (const { envelope, text, force } of all) {
      keys.push(...keysOf(envelope.roomId));
      each.push(envelope.offset, text, channelOf(envelope.roomId), force);
    }
    return commands.publishEnvelopes(keys.length, ...keys, historySize, roomTtl, ...each);
  });

  async function publishOne(envelope: Envelope, load: LoadEnvelopes): Promise<void> {
    const { roomId, offset } = envelope;
    const text = encodeEnvelope(envelope);
    for (let wait = 2; ; wait *= 2) {
      const last = await publishNext({ envelope, text, force: 0 });
      if (last < 0) return;
      // Lower offsets are committed, so somebody is about to publish them. Who has not done so by now has died.
      if (wait <= 16) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        continue;
      }
      const missing = await load(roomId, last, offset - 1);
      if (missing[0]?.offset !== last + 1) {
        await publishNext({ envelope, text, force: 1 });
        return;
      }
      for (const missed of missing) await publishOne(missed, load);
    }
  }

  const toFields = (parts: readonly EntryPart[]) => {
    const fields: string[] = [];
    for (const { head, frames } of parts) {
      fields.push('head', JSON.stringify(head));
      for (const frame of frames) fields.push('frame', frame);
    }
    return fields;
  };

  /** Appends one entry to a gateway's stream if there is one; false when there is none. */
  async function append(gatewayId: string, parts: readonly EntryPart[]): Promise<boolean> {
    const fields = toFields(parts);
    const id = await commands.xadd(streamOf(gatewayId), 'NOMKSTREAM', 'MAXLEN', '~', streamLength, '*', ...fields);
    return id !== null;
  }

  async function replyTo(gatewayId: string, parts: readonly EntryPart[]): Promise<void> {
    if (await append(gatewayId, parts)) return;
    // The gateway ended, or Redis was emptied and the gateway has yet to notice: then it reads on from here.
    await announceTo(gatewayId);
    await append(gatewayId, parts);
  }

  /** Small answers to one gateway that are there at the same time are one entry. */
  const replyTogether = inBatches(async (all: ReadonlyArray<{ gatewayId: string; part: EntryPart }>) => {
    const byGateway = new Map<string, EntryPart[]>();
    for (const { gatewayId, part } of all) {
      const parts = byGateway.get(gatewayId);
      if (parts) parts.push(part);
      else byGateway.set(gatewayId, [part]);
    }
    await Promise.all([...byGateway].map(([gatewayId, parts]) => replyTo(gatewayId, parts)));
    return all.map(() => undefined);
  });

  /** Makes a gateway's stream, for a while; gives the id to read from. */
  async function announceTo(gatewayId: string): Promise<string> {
    const stream = streamOf(gatewayId);
    const id = await commands.xadd(stream, 'MAXLEN', '~', streamLength, '*', 'head', '{}');
    await commands.expire(stream, gatewayTtl);
    return id!;
  }

  async function openLink(gatewayId: string, listener: GatewayListener): Promise<GatewayLink> {
    const since = performance.now();
    const subscriber = connect(redis, logger, 'subscriptions');
    const reader = connect(redis, logger, 'replies');
    const ours = sharedBy();
    const rooms = new Set<string>();
    const users = new Set<string>();
    const stream = streamOf(gatewayId);
    const mark = markOf(gatewayId);
    let lastId = '';
    let closed = false;
    /** Whether Redis holds all that this gateway told it, as far as is known. */
    let isKnown = true;
    let isRestoring = false;
    /** When the subscriptions' connection was last heard of. */
    let heardAt = performance.now();

    subscriber.on('message', (channel: string, text: string) => {
      notice();
      heardAt = performance.now();
      if (channel === ours.channel) return receive(JSON.parse(text) as string[]);
      const envelope = decodeEnvelope(text);
      if (envelope.offset === 0) listener.onWhisper(envelope.roomId, envelope.frame!);
      else listener.onEnvelope(envelope);
    });

    const announce = async () => {
      const id = await announceTo(gatewayId);
      // Ids are times: an emptied Redis on a machine whose clock is behind begins before what was read.
      if (lastId === '' || millisecondsOf(id) < millisecondsOf(lastId)) lastId = lastId === '' ? id : '0-0';
    };

    /** Tells Redis everything again, until it was told all of it without a cut in between. */
    const restore = async () => {
      isRestoring = true;
      while (!closed && !isKnown) {
        isKnown = true;
        try {
          await announce();
          await Promise.all([...users].map((id) => commands.sadd(userKey(id), gatewayId)));
          // All of them before broadcasts come again: some may be for somebody who was disconnected.
          await subscriber.subscribe(ours.channel);
          await ours.catchUp(receive);
          if (rooms.size > 0) await subscriber.subscribe(...[...rooms].map(channelOf));
          await commands.set(mark, '1', 'EX', gatewayTtl);
        } catch (error) {
          if (closed) break;
          logger.warn('Restoring the Redis link failed; trying again.', { error });
          isKnown = false;
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      }
      isRestoring = false;
      if (!closed) listener.onRestored();
    };
    const lose = (isLong: boolean) => {
      isKnown = false;
      if (isLong) listener.onAway?.();
      if (!isRestoring) void restore();
    };
    let awakeAt = performance.now();
    /** Asked whenever something arrives: after a freeze that may come before any timer does. */
    const notice = () => {
      const wasFrozen = performance.now() - awakeAt > knownInterval + freeze;
      awakeAt = performance.now();
      // What came meanwhile may have been cut off, and what was told to nobody is asked for.
      if (wasFrozen && !closed) lose(true);
    };

    /**
     * Both streams at once, and what all are told first: a connection is ready by an answer, and when that is heard, so
     * is every disconnecting from before it.
     */
    const read = async () => {
      while (!closed) {
        const answer = await reader
          .xread('COUNT', readCount, 'BLOCK', 5000, 'STREAMS', ours.stream, stream, ours.lastId, lastId)
          .catch(() => new Promise<null>((resolve) => setTimeout(() => resolve(null), 200)));
        if (!closed) notice();
        const found = new Map<string, StreamEntry[]>(answer ?? []);
        const shared = found.get(ours.stream) ?? [];
        ours.take(shared, receive);
        // There may be more of them from before the answers.
        if (shared.length === readCount) continue;
        for (const [id, fields] of found.get(stream) ?? []) {
          lastId = id;
          receive(fields);
        }
        // Whoever was told something by now writes to the sockets first: nobody waits for the next read yet.
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };

    function receive(fields: string[]): void {
      for (let at = 0; at < fields.length; ) {
        const head = JSON.parse(fields[at + 1]!) as { reply?: Omit<Reply, 'frames'>; control?: Control };
        const frames: string[] = [];
        for (at += 2; fields[at] === 'frame'; at += 2) frames.push(fields[at + 1]!);
        if (head.reply) listener.onReply({ ...head.reply, frames });
        if (head.control) {
          listener.onControl(head.control.kind === 'frames' ? { ...head.control, frames } : head.control);
        }
      }
    }

    await ours.start(since);
    await announce();
    await commands.set(mark, '1', 'EX', gatewayTtl);
    let isLooking = false;
    const look = async () => {
      notice();
      if (isLooking || commands.status !== 'ready') return;
      isLooking = true;
      try {
        const [found] = await Promise.all([
          commands.expire(mark, gatewayTtl),
          commands.expire(stream, gatewayTtl),
          // What was read is not needed any more: entries may be large, and a bound on their number alone is none.
          commands.xtrim(stream, 'MINID', lastId),
        ]);
        if (found === 0 && !closed) lose(false);
      } catch {
        // Redis went away: its return is noticed by the link.
      } finally {
        isLooking = false;
      }
    };
    const watches = [
      setInterval(() => void look(), knownInterval),
      // A link that is cut silently is only noticed by asking. The reader asks every 5 s by itself.
      setInterval(() => {
        if (subscriber.status === 'ready') probe(subscriber);
      }, probeInterval),
    ];
    for (const watch of watches) watch.unref();
    function probe(connection: Redis): void {
      const timer = setTimeout(() => connection.disconnect(true), 5000);
      connection.ping().then(
        () => {
          heardAt = performance.now();
          clearTimeout(timer);
        },
        () => clearTimeout(timer),
      );
    }
    let first = true;
    subscriber.on('ready', () => {
      // A link may have been dead for long before it was cut.
      if (!first) lose(performance.now() - heardAt > freeze);
      first = false;
      heardAt = performance.now();
    });
    first = subscriber.status !== 'ready';
    const reading = read();
    // With its return watched: a cut may come at any moment.
    await subscriber.subscribe(ours.channel);

    const link: GatewayLink = {
      async subscribe(roomIds) {
        for (const id of roomIds) rooms.add(id);
        if (roomIds.length > 0) await subscriber.subscribe(...roomIds.map(channelOf));
      },
      async unsubscribe(roomIds) {
        for (const id of roomIds) rooms.delete(id);
        if (roomIds.length > 0) await subscriber.unsubscribe(...roomIds.map(channelOf));
      },
      async watchUser(userId) {
        users.add(userId);
        await commands.sadd(userKey(userId), gatewayId);
      },
      async unwatchUser(userId) {
        users.delete(userId);
        await commands.srem(userKey(userId), gatewayId);
      },
      async history(roomId, after) {
        const texts = await commands.readHistory(...keysOf(roomId), after);
        return texts === null ? null : texts.map(decodeEnvelope);
      },
      async close() {
        if (closed) return;
        closed = true;
        links.delete(link);
        for (const watch of watches) clearInterval(watch);
        if (commands.status === 'ready') {
          const forgotten = Promise.all([
            ...[...users].map((id) => commands.srem(userKey(id), gatewayId)),
            commands.del(stream, mark),
          ]);
          await Promise.race([forgotten.catch(() => {}), sleep(closingPatience, undefined, { ref: false })]);
        }
        subscriber.disconnect();
        reader.disconnect();
        // A connection that was about to try again has no socket whose end would settle its commands.
        await Promise.race([reading, sleep(closingPatience, undefined, { ref: false })]);
      },
    };
    links.add(link);
    return link;
  }

  return {
    async publish(envelopes, load) {
      const [only, ...others] = envelopes;
      if (only && others.length === 0) return publishOne(only, load);
      await Promise.all(
        byRoom(envelopes).map(async (room) => {
          for (const envelope of room) await publishOne(envelope, load);
        }),
      );
    },
    async whisper(roomId, frame) {
      await commands.publish(channelOf(roomId), encodeEnvelope({ roomId, offset: 0, frame }));
    },
    async reply(gatewayId, { frames, ...head }) {
      const part = { head: { reply: head }, frames };
      if (isLarge(part)) await replyTo(gatewayId, [part]);
      else await replyTogether({ gatewayId, part });
    },
    async control(control) {
      const frames = control.kind === 'frames' ? control.frames : [];
      const part = { head: { control: control.kind === 'frames' ? { ...control, frames: [] } : control }, frames };
      // Rare, and worth to be heard by a gateway of which Redis knows nothing.
      if (control.kind === 'disconnect' || control.kind === 'follow') return shared.add(toFields([part]));
      const young = shared.isYoung();
      const holders = await Promise.all(control.userIds.map((id) => commands.smembers(userKey(id))));
      const gateways = new Set(holders.flat());
      if (await young) await shared.add(toFields([part]));
      await Promise.all(
        [...gateways].map(async (gatewayId) => {
          if (await append(gatewayId, [part])) return;
          await Promise.all(control.userIds.map((id) => commands.srem(userKey(id), gatewayId)));
        }),
      );
    },
    open: openLink,
    async ping() {
      const late = new Promise<never>((_, reject) => {
        setTimeout(() => reject(new Error('Redis does not answer.')), 3000).unref();
      });
      await Promise.race([commands.ping(), late]);
    },
    async close() {
      await Promise.all([...links].map((link) => link.close()));
      commands.disconnect();
    },
  };
}

/** The time in the id of a stream's entry. */
function millisecondsOf(id: string): number {
  return Number.parseInt(id, 10);
}

function byRoom(envelopes: Envelope[]): Envelope[][] {
  const rooms = new Map<string, Envelope[]>();
  for (const envelope of envelopes) {
    const room = rooms.get(envelope.roomId);
    if (room) room.push(envelope);
    else rooms.set(envelope.roomId, [envelope]);
  }
  return [...rooms.values()];
}
