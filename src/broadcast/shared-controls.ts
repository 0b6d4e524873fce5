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

/**
 * A stream that every gateway reads, beside each one's own, for controls that must find a user wherever they are:
 * disconnecting and following always, all others while Redis may have forgotten which gateway holds whom.
 *
 *   controls         stream of them
 *   controls         channel: there is something in the stream
 *   controls:since   when Redis was first seen without this key
 */
export class SharedControls {
  readonly channel: string;
  readonly #commands: Commands;
  readonly #stream: string;
  readonly #since: string;
  #lastId = '';
  #reading: Promise<void> | undefined;
  #isAsked = false;

  constructor(commands: Redis, prefix: string) {
    this.#commands = commands as Commands;
    this.#stream = `${prefix}:controls`;
    this.channel = this.#stream;
    this.#since = `${prefix}:controls:since`;
    commands.defineCommand('isYoung', { numberOfKeys: 1, lua: youngScript });
  }

  /** Whether Redis may not know all gateways and their users. */
  async isYoung(): Promise<boolean> {
    return (await this.#commands.isYoung(this.#since, youth)) === 1;
  }

  /** Tells all gateways. */
  async add(fields: readonly string[]): Promise<void> {
    await this.#commands
      .multi()
      .xadd(this.#stream, 'MAXLEN', '~', keptControls, '*', ...fields)
      .expire(this.#stream, keptFor)
      .publish(this.channel, '')
      .exec();
  }

  /** A gateway's beginning: what was told before is not its business. */
  async start(): Promise<void> {
    const last = await this.#commands.xrevrange(this.#stream, '+', '-', 'COUNT', 1);
    this.#lastId = last[0]?.[0] ?? '0-0';
  }

  /** Hands over what was told since the last time, in order. */
  read(receive: (fields: string[]) => void): Promise<void> {
    this.#isAsked = true;
    this.#reading ??= this.#read(receive).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(receive: (fields: string[]) => void): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      const answer = await this.#commands.xread('COUNT', 1000, 'STREAMS', this.#stream, this.#lastId);
      for (const [id, fields] of answer?.[0]?.[1] ?? []) {
        this.#lastId = id;
        receive(fields);
        this.#isAsked = true;
      }
    }
  }
}
