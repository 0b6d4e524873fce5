// Long: both ends of the pipe, its keys and its scripts stand together, or they would drift apart.

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'winston';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.js';
import type { Broadcast, Control, GatewayLink, GatewayListener, LoadEnvelopes, Reply } from './broadcast.js';
import { SharedControls } from './shared-controls.js';

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
/** Milliseconds between a gateway's looks whether Redis still knows it, and whether its silent link still lives. */
const knownInterval = 1000;
const probeInterval = 10_000;
/** A gap between two looks that only a frozen process has. */
const freeze = 5000;
/** Milliseconds without a word on a connection that owes an answer: it is dead, or Redis is frozen. */
const silence = 10_000;
/** How long closing waits for Redis to forget a gateway. */
const closingPatience = 1000;

/** Publishes an envelope if it is the room's next one. Answers -1 published, -2 known already, else the last offset. */
const publishScript = `
local current = redis.call('GET', KEYS[1])
local offset = tonumber(ARGV[1])
if current and ARGV[6] == '0' then
  current = tonumber(current)
  if offset <= current then return -2 end
  if offset > current + 1 then return current end
else
  redis.call('DEL', KEYS[2])
end
redis.call('SET', KEYS[1], offset, 'EX', ARGV[5])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[4]), -1)
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return -1`;

/** Envelopes after an offset, or nothing when the list does not reach back that far. */
const historyScript = `
local current = redis.call('GET', KEYS[1])
if not current then return false end
local count = tonumber(current) - tonumber(ARGV[1])
if count <= 0 then return {} end
if count > redis.call('LLEN', KEYS[2]) then return false end
return redis.call('LRANGE', KEYS[2], -count, -1)`;

interface Commands extends Redis {
  publishEnvelope(
    offsetKey: string,
    historyKey: string,
    offset: number,
    envelope: string,
    channel: string,
    historySize: number,
    ttl: number,
    force: 0 | 1,
  ): Promise<number>;
  readHistory(offsetKey: string, historyKey: string, after: number): Promise<string[] | null>;
}

export interface RedisBroadcastOptions {
  readonly redis: string | RedisOptions;
  readonly prefix: string;
  readonly historySize: number;
  readonly logger: Logger;
}

/** Opens a connection that waits for Redis as long as it takes, and never ends the process. */
function connect(redis: string | RedisOptions, logger: Logger, name: string): Redis {
  const options: RedisOptions = {
    maxRetriesPerRequest: null,
    enableAutoPipelining: true,
    autoResubscribe: false,
    socketTimeout: silence,
    retryStrategy: (tries) => Math.min(tries * 50, 1000),
    ...(typeof redis === 'string' ? {} : redis),
  };
  const connection = typeof redis === 'string' ? new Redis(redis, options) : new Redis(options);
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
  commands.defineCommand('publishEnvelope', { numberOfKeys: 2, lua: publishScript });
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

  async function publishOne(envelope: Envelope, load: LoadEnvelopes): Promise<void> {
    const { roomId, offset } = envelope;
    const text = encodeEnvelope(envelope);
    const attempt = (force: 0 | 1) =>
      commands.publishEnvelope(...keysOf(roomId), offset, text, channelOf(roomId), historySize, roomTtl, force);
    for (let wait = 2; ; wait *= 2) {
      const last = await attempt(0);
      if (last < 0) return;
      // Lower offsets are committed, so somebody is about to publish them. Who has not done so by now has died.
      if (wait <= 16) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        continue;
      }
      const missing = await load(roomId, last, offset - 1);
      if (missing[0]?.offset !== last + 1) {
        await attempt(1);
        return;
      }
      for (const missed of missing) await publishOne(missed, load);
    }
  }

  const toFields = (head: object, frames: readonly string[]) => [
    'head',
    JSON.stringify(head),
    ...frames.flatMap((frame) => ['frame', frame]),
  ];

  /** Appends to a gateway's stream if there is one; false when there is none. */
  async function append(gatewayId: string, head: object, frames: readonly string[]): Promise<boolean> {
    const fields = toFields(head, frames);
    const id = await commands.xadd(streamOf(gatewayId), 'NOMKSTREAM', 'MAXLEN', '~', streamLength, '*', ...fields);
    return id !== null;
  }

  /** Makes a gateway's stream, for a while; gives the id to read from. */
  async function announceTo(gatewayId: string): Promise<string> {
    const stream = streamOf(gatewayId);
    const id = await commands.xadd(stream, 'MAXLEN', '~', streamLength, '*', 'head', '{}');
    await commands.expire(stream, gatewayTtl);
    return id!;
  }

  async function openLink(gatewayId: string, listener: GatewayListener): Promise<GatewayLink> {
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

    const readShared = () =>
      ours.read(receive).catch((error: unknown) => {
        // Its return makes everything be read again.
        if (!closed) logger.warn('Reading what all gateways are told failed.', { error });
      });
    subscriber.on('message', (channel: string, text: string) => {
      if (channel === ours.channel) return void readShared();
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
          await subscriber.subscribe(ours.channel, ...[...rooms].map(channelOf));
          await commands.set(mark, '1', 'EX', gatewayTtl);
          await readShared();
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
    const lose = () => {
      isKnown = false;
      if (!isRestoring) void restore();
    };

    const read = async () => {
      while (!closed) {
        const answer = await reader
          .xread('COUNT', 500, 'BLOCK', 5000, 'STREAMS', stream, lastId)
          .catch(() => new Promise<null>((resolve) => setTimeout(() => resolve(null), 200)));
        for (const [id, fields] of answer?.[0]?.[1] ?? []) {
          lastId = id;
          receive(fields);
        }
      }
    };

    function receive(fields: string[]): void {
      const head = JSON.parse(fields[1]!) as { reply?: Omit<Reply, 'frames'>; control?: Control };
      const frames = fields.filter((_, index) => index > 1 && index % 2 === 1);
      if (head.reply) listener.onReply({ ...head.reply, frames });
      if (head.control) {
        listener.onControl(head.control.kind === 'frames' ? { ...head.control, frames } : head.control);
      }
    }

    await ours.start();
    await subscriber.subscribe(ours.channel);
    await announce();
    await commands.set(mark, '1', 'EX', gatewayTtl);
    let isLooking = false;
    let lookedAt = performance.now();
    const look = async () => {
      const frozen = performance.now() - lookedAt > knownInterval + freeze;
      lookedAt = performance.now();
      // What came meanwhile may have been cut off, and what was told to nobody is asked for.
      if (frozen && !closed) lose();
      if (isLooking || commands.status !== 'ready') return;
      isLooking = true;
      try {
        const [found] = await Promise.all([
          commands.expire(mark, gatewayTtl),
          commands.expire(stream, gatewayTtl),
          // What was read is not needed any more: entries may be large, and a bound on their number alone is none.
          commands.xtrim(stream, 'MINID', lastId),
        ]);
        if (found === 0 && !closed) lose();
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
        () => clearTimeout(timer),
        () => clearTimeout(timer),
      );
    }
    let first = true;
    subscriber.on('ready', () => {
      if (!first) lose();
      first = false;
    });
    first = subscriber.status !== 'ready';
    const reading = read();

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
      if (await append(gatewayId, { reply: head }, frames)) return;
      // The gateway ended, or Redis was emptied and the gateway has yet to notice: then it reads on from here.
      await announceTo(gatewayId);
      await append(gatewayId, { reply: head }, frames);
    },
    async control(control) {
      const frames = control.kind === 'frames' ? control.frames : [];
      const head = { control: control.kind === 'frames' ? { ...control, frames: [] } : control };
      // Rare, and worth to be heard by a gateway of which Redis knows nothing.
      if (control.kind === 'disconnect' || control.kind === 'follow') return shared.add(toFields(head, frames));
      const young = shared.isYoung();
      const holders = await Promise.all(control.userIds.map((id) => commands.smembers(userKey(id))));
      const gateways = new Set(holders.flat());
      if (await young) await shared.add(toFields(head, frames));
      await Promise.all(
        [...gateways].map(async (gatewayId) => {
          if (await append(gatewayId, head, frames)) return;
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
