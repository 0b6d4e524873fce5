/** Thousands of frames that no honest client sends, while two people go on chatting. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { until } from '../helpers/processes.js';
import type { WireAck, WireMessage } from '../helpers/shapes.js';
import { attack, createRandom, hostileFrames } from './hostile-frames.js';
import { MATRIX } from './matrix-table.js';
import { framesBefore, type Scenery, setScenery } from './scenery.js';

/** In all; the soak sends ten times as many. */
const FRAMES = Number(process.env.CHAT_FUZZ_FRAMES ?? 20_000);
const SEED = Number(process.env.CHAT_FUZZ_SEED ?? 20_260_101);
const PER_CONNECTION = 40;
const AT_ONCE = 8;
/** Growth that does not stop would pass this within 20,000 frames: half a kilobyte a frame. */
const MAY_GROW = 8 * 2 ** 20;
/** Heavier than a test: a slow machine may take minutes for it. */
const PATIENCE = 60_000 + FRAMES * 20;

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in use once nothing is under way. */
function heap(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe.each([
  ['embedded', 0.8],
  ['distributed', 0.2],
] as const)('hostile frames, %s', (kind, share) => {
  let scenery: Scenery;
  const faults: unknown[] = [];
  const errors: string[] = [];
  const note = (error: unknown) => faults.push(error);

  beforeAll(async () => {
    const logger = createLogger({ transports: [new transports.Console({ silent: true })] });
    const write = logger.write.bind(logger);
    logger.write = ((info: { level: string; message: string }) => {
      if (info.level === 'error') errors.push(JSON.stringify(info).slice(0, 500));
      return write(info as never);
    }) as never;
    scenery = await setScenery(kind, { logger });
  });
  beforeEach(() => {
    process.on('uncaughtException', note).on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('uncaughtException', note).off('unhandledRejection', note);
  });
  afterAll(async () => {
    await scenery?.close();
  });

  it(`end no process, grow no memory and disturb nobody (seed ${SEED})`, { timeout: PATIENCE }, async () => {
    const { owner, witness, intruder, gateways } = scenery;
    const events = Object.entries(MATRIX)
      .flatMap(([event_type, rows]) =>
        rows.map(({ data }) => JSON.stringify({ event_type, data: data(scenery), id: 'x' })),
      )
      .filter((event) => !/"delete"|room\.leave/.test(event));
    // The attacker's own devices would be told of all that the attacker does.
    await Promise.all([scenery.intruder.close(), scenery.device.close()]);
    const random = createRandom(SEED);
    const total = FRAMES * share;
    let sent = 0;
    const attackers = async (upTo: number) => {
      while (sent < upTo) {
        const frames = hostileFrames(PER_CONNECTION, events, random);
        sent += frames.length;
        const gateway = gateways[random(gateways.length)]!;
        await attack(gateway.address, String(intruder.user.id), frames, random);
      }
    };
    const attackUntil = (upTo: number) => Promise.all(Array.from({ length: AT_ONCE }, () => attackers(upTo)));

    let chatting = true;
    const said: string[] = [];
    const heard: string[] = [];
    const chat = (async () => {
      while (chatting) {
        const content = `message ${said.length}`;
        const answer = await owner.request<WireAck>('message.send', { room_id: scenery.foreign[0]!.id, content });
        expect(answer.error).toBeUndefined();
        said.push(content);
        await owner.expect('message.dispatch');
        heard.push((await witness.expect<WireMessage>('message.dispatch')).data.content);
      }
    })();
    chat.catch(() => undefined);

    await attackUntil(total / 4);
    const before = heap();
    await attackUntil(total);
    chatting = false;
    await chat;
    await until('all connections of the attacker are gone', async () => {
      const [{ count } = { count: -1 }] = await scenery.database.query<{ count: number }>(
        'SELECT COUNT(*) AS count FROM chat_sessions WHERE user_id = ?',
        [intruder.user.id],
      );
      if (Number(count) > 0) throw new Error(`there are ${count} sessions`);
    });
    const grown = heap() - before;

    expect(sent).toBeGreaterThanOrEqual(total);
    expect(said.length).toBeGreaterThan(2);
    expect(heard).toEqual(said);
    expect(await framesBefore(owner, [owner, witness])).toEqual([]);
    expect(faults).toEqual([]);
    expect(errors).toEqual([]);
    expect(grown).toBeLessThan(MAY_GROW);
  });
});
