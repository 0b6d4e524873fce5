/** Every event, every id in it, everything that can be wrong with that id: what is said, that nobody hears of it, and that nothing changes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChatMessagingConsumer, mapEventTypesToHandlers } from '../../src/index.js';
import { payloadSchemas, userIdSchema } from '../../src/protocol/payloads.js';
import { resolveSettings } from '../../src/settings/settings.js';
import { NOBODYS_ID, NOBODYS_USER_ID } from '../helpers/chat.js';
import { idFieldsOf } from './id-fields.js';
import { CONDITIONS, type Condition, type Expected, MATRIX, type MatrixRow } from './matrix-table.js';
import { framesBefore, rowsOf, type Scenery, setScenery } from './scenery.js';

type Ids = MatrixRow['ids'][string];

const WRONG_TYPES = [null, true, 7.5, {}, [], [[]], { $gt: '' }, { id: NOBODYS_ID }, [null], [{}]];
const HOSTILE = [
  '',
  ' ',
  "' OR '1'='1",
  '" OR ""="',
  '1; DROP TABLE chat_rooms; --',
  '\\',
  "\\' OR 1=1 -- ",
  '%',
  '_'.repeat(36),
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\u202e\ufeff',
  '0'.repeat(60_000),
  'group-*',
  '{{7*7}}',
  `${NOBODYS_ID}\u0000`,
  `${NOBODYS_ID}\n`,
  ` ${NOBODYS_ID}`,
  `{${NOBODYS_ID}}`,
  `${NOBODYS_ID}' -- `,
  NOBODYS_ID.replaceAll('-', ''),
];
const HOSTILE_USERS = [...HOSTILE, '1', '1e0', 0, -1, 1e300, 2 ** 53, 0.1, '١', [1], true];

const settings = resolveSettings({ database: 'sqlite::memory:' });
const schemas = payloadSchemas({ ...settings, userId: userIdSchema('integer') });
const eventTypes = Object.keys(mapEventTypesToHandlers({} as ChatMessagingConsumer));

describe('the table', () => {
  it('has a row for every event, and for no other', () => {
    expect(Object.keys(MATRIX).sort()).toEqual([...eventTypes].sort());
    expect([...schemas.keys()].sort()).toEqual([...eventTypes].sort());
  });

  it.each(eventTypes)('has every id field of %s, and what to expect of each', (eventType) => {
    const rows = MATRIX[eventType] ?? [];
    const fields = idFieldsOf(schemas.get(eventType)!);
    const told = new Map(rows.flatMap(({ ids }) => Object.entries(ids)));
    expect([...told.keys()].sort()).toEqual([...fields.keys()].sort());
    for (const [path, { of, isList: _, ...cells }] of told) {
      expect(Object.keys(cells).sort()).toEqual([...CONDITIONS].sort());
      expect(fields.get(path)).toBe(of === 'room' || of === 'message' ? 'uuid' : of);
    }
  });
});

describe.each(['embedded', 'distributed'] as const)('the matrix, %s', (kind) => {
  let scenery: Scenery;
  let cells = 0;

  beforeAll(async () => {
    // Deleted rows that are gone in one, and kept and marked in the other.
    scenery = await setScenery(kind, { messageSoftDelete: kind === 'distributed' });
  });
  afterAll(async () => {
    await scenery?.close();
  });

  it.each(eventTypes)('%s', async (eventType) => {
    const before = await rowsOf(scenery);
    for (const row of MATRIX[eventType]!) {
      for (const [path, ids] of Object.entries(row.ids)) {
        for (const condition of CONDITIONS) {
          if (ids[condition] === 'nothing') continue;
          for (const value of valuesOf(ids, condition, scenery))
            await tryOut(eventType, row, path, value, ids[condition]);
        }
      }
    }
    expect(await rowsOf(scenery)).toEqual(before);
    await expectNoLeak();
  });

  it('what is passed over changes nothing, and is told to nobody outside', async () => {
    const before = await rowsOf(scenery);
    for (const [eventType, rows] of Object.entries(MATRIX)) {
      for (const row of rows) {
        for (const [path, ids] of Object.entries(row.ids)) {
          for (const condition of CONDITIONS.filter((one) => ids[one] === 'nothing')) {
            for (const value of valuesOf(ids, condition, scenery)) await tryOut(eventType, row, path, value, 'nothing');
          }
        }
      }
    }
    const after = await rowsOf(scenery);
    // The room's own members are told that it was changed: that has an offset and a time.
    const untold = (rows: Record<string, unknown>) => ({ ...rows, chat_rooms: 0, chat_outcomes: 0 });
    expect(untold(after)).toEqual(untold(before));
    const homes: unknown[] = [scenery.home.id, scenery.homeChannel.id];
    const told = await framesBefore(scenery.intruder, [scenery.intruder, scenery.device]);
    expect(told.filter(({ roomId }) => !homes.includes(roomId))).toEqual([]);
    await expectNoLeak();
  });

  it.each(eventTypes)(
    '%s with ids of one’s own is carried out, so that nothing else is what was refused',
    async (eventType) => {
      for (const { data, answer } of MATRIX[eventType]!) {
        const own = data({ ...scenery, ...(await scenery.newHomes()) });
        const { error } = await scenery.intruder.request(eventType, own);
        expect((error as { code?: number } | undefined)?.code, JSON.stringify([own, error])).toBe(answer);
      }
    },
  );

  it('had all its cells', () => {
    expect(cells).toBeGreaterThan(1000);
  });

  async function tryOut(
    eventType: string,
    row: MatrixRow,
    path: string,
    value: unknown,
    expected: Expected,
  ): Promise<void> {
    if (expected === 'allowed') return;
    cells += 1;
    const data = structuredClone(row.data(scenery));
    put(data, path.split('.'), value);
    const { error, eventType: dispatch, data: answer } = await scenery.intruder.request<unknown>(eventType, data);
    const { code } = (error ?? {}) as { code?: number };
    const said = `${eventType} with ${path} ${JSON.stringify(value)?.slice(0, 200)}: ${JSON.stringify(error ?? answer)}`;
    if (typeof expected === 'number') expect(code, said).toBe(expected);
    else expect(error, said).toBeUndefined();
    if (expected === 'nothing') expect(dispatch, said).toBe('event.ack');
    if (expected === '4002 inside' || expected === '4004 inside') {
      const [told] = Object.values((answer as { rooms: Record<string, unknown> }).rooms);
      expect(told, said).toEqual({ recovered: false, code: Number(expected.slice(0, 4)) });
    }
  }

  async function expectNoLeak(): Promise<void> {
    const { intruder, device, owner, witness } = scenery;
    expect(await framesBefore(owner, [intruder, device, owner, witness])).toEqual([]);
  }
});

/** The values that stand for a condition; undefined: the field is left out. */
function valuesOf(ids: Ids, condition: Condition, scenery: Scenery): unknown[] {
  if (condition === 'absent') return [undefined];
  if (ids.of === 'user') return userValues(condition, scenery);
  if (condition === 'wrong type')
    return ids.of === 'room keys' ? [null, true, 7, 'x', [], { [NOBODYS_ID]: '1' }] : WRONG_TYPES;
  if (condition === 'hostile value') return ids.of === 'room keys' ? HOSTILE.map((key) => ({ [key]: 1 })) : HOSTILE;
  const messageIds = ids.of === 'message';
  const places = {
    // An id of one's own, but of another kind of thing, is one of nothing.
    unknown: [
      { id: NOBODYS_ID, messageId: NOBODYS_ID },
      { id: scenery.home.messageId, messageId: scenery.home.id },
    ],
    foreign: scenery.foreign,
    public: scenery.publicChannels,
    deleted: scenery.deleted,
    left: scenery.left,
    removed: scenery.removed,
  }[condition];
  const found = places.map(({ id, messageId }) => (messageIds ? messageId : id));
  if (messageIds && condition === 'deleted') found.push(...scenery.deletedMessages);
  // Another spelling of an id is the same id.
  found.push(...found.map((id) => id.toUpperCase()));
  if (ids.of === 'room keys') return found.map((id) => ({ [id]: 0 }));
  if (!ids.isList) return found;
  const { messageId: own } = scenery.home;
  return found.flatMap((id) => [id, [id], [own, id], [id, own]]);
}

function userValues(condition: Condition, { stranger, leaver, outcast, gone, mate }: Scenery): unknown[] {
  if (condition === 'unknown') return [[NOBODYS_USER_ID], [mate, NOBODYS_USER_ID]];
  if (condition === 'deleted') return [[gone], [mate, gone]];
  if (condition === 'foreign') return [[stranger]];
  // Users are not public.
  if (condition === 'public') return [];
  if (condition === 'left') return [[leaver]];
  if (condition === 'removed') return [[outcast]];
  if (condition === 'wrong type')
    return [null, true, 7, 'x', {}, { $gt: 0 }, [null], [{}], [[mate]], [String(mate)], [true]];
  return HOSTILE_USERS.flatMap((value) => [[value], [mate, value]]);
}

function put(data: Record<string, unknown>, path: string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length > 0) put(data[key] as Record<string, unknown>, rest, value);
  else if (value === undefined) delete data[key];
  else data[key] = value;
}
