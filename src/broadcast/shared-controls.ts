import type { Redis } from 'ioredis';

/** Seconds after Redis was emptied in which it may not know yet which gateways hold whom. */
const youth = 30;
/** Seconds and number for which shared controls are kept: for gateways that were frozen or cut off. */
const keptFor = 3600;
const keptControls = 20_000;

/** Answers 1 when Redis was empty less than so many seconds ago, by its own clock. */
const youngScript = `
local now = tonumber(redis.call('TIME')[1])
local since = redis.call('GET', KEYS[1])
if not since then
  redis.call('SET', KEYS[1], now)
  return 1
end
if now - tonumber(since) < tonumber(ARGV[1]) then return 1 end
return 0`;

interface Commands extends Redis {
  isYoung(sinceKey: string, seconds: number): Promise<0 | 1>;
}

/** An entry of a stream: its id, and its fields. */
export type StreamEntry = readonly [id: string, fields: string[]];

/**
 * A stream that every gateway reads together with its own, for controls that must find a user wherever they are:
 * disconnecting and following always, all others while Redis may have forgotten which gateway holds whom. They are
 * published too, so that on a whole link each is heard before the broadcasts that follow it.
 *
 *   controls         stream of them, and channel
 *   controls:since   when Redis was first seen without this key
 */
export class SharedControls {
  readonly stream: string;
  readonly channel: string;
  readonly #commands: Commands;
  readonly #since: string;
  #lastId = '0-0';

  constructor(commands: Redis, prefix: string) {
    this.#commands = commands as Commands;
    this.stream = `${prefix}:controls`;
    this.channel = this.stream;
    this.#since = `${prefix}:controls:since`;
    commands.defineCommand('isYoung', { numberOfKeys: 1, lua: youngScript });
  }

  /** The last entry that was handed over. */
  get lastId(): string {
    return this.#lastId;
  }

  /** Whether Redis may not know all gateways and their users. */
  async isYoung(): Promise<boolean> {
    return (await this.#commands.isYoung(this.#since, youth)) === 1;
  }

  /** Tells all gateways. */
  async add(fields: readonly string[]): Promise<void> {
    await this.#commands
      .multi()
      .xadd(this.stream, 'MAXLEN', '~', keptControls, '*', ...fields)
      .expire(this.stream, keptFor)
      .publish(this.channel, JSON.stringify(fields))
      .exec();
  }

  /**
   * A gateway's beginning: what was told since then, by `performance.now()`, is its business. Redis may have been out of
   * reach meanwhile, and a connection that waits for it may be of somebody who was disconnected.
   */
  async start(since: number): Promise<void> {
    const [seconds, microseconds] = await this.#commands.time();
    // Ids are times.
    const then = Number(seconds) * 1000 + Number(microseconds) / 1000 - (performance.now() - since);
    this.#lastId = `${Math.max(0, Math.floor(then) - 1)}-0`;
  }

  /** Hands over, in order. */
  take(entries: readonly StreamEntry[], receive: (fields: string[]) => void): void {
    for (const [id, fields] of entries) {
      this.#lastId = id;
      receive(fields);
    }
  }

  /** Hands over all that was told until now; after Redis was emptied, too. */
  async catchUp(receive: (fields: string[]) => void): Promise<void> {
    const newest = await this.#commands.xrevrange(this.stream, '+', '-', 'COUNT', 1);
    // Its ids begin again, maybe by a clock that is behind.
    if (isBefore(newest[0]?.[0] ?? '0-0', this.#lastId)) this.#lastId = '0-0';
    for (;;) {
      const answer = await this.#commands.xread('COUNT', 1000, 'STREAMS', this.stream, this.#lastId);
      if (!answer) return;
      this.take(answer[0]![1], receive);
    }
  }
}

/** Whether an entry came before another one. */
function isBefore(id: string, other: string): boolean {
  const [time = 0, count = 0] = id.split('-').map(Number);
  const [otherTime = 0, otherCount = 0] = other.split('-').map(Number);
  return time < otherTime || (time === otherTime && count < otherCount);
}
