/** What the soak sees on each connection: answers, and the order of broadcasts. */
import { describe, expect, it } from 'vitest';
import { DeviceLog } from './device-log.js';
import { judgeOthers, judgeRush, OTHERS_LIMIT, RUSH_LIMIT } from './rush.js';
import { expectAllAnswered, stepsOf } from './settle.js';
import { QuietReport } from './sound-world.js';
import { WireWatch } from './wire-watch.js';

function connection() {
  const report = new QuietReport();
  const log = new DeviceLog(1, 'phone');
  const watch = new WireWatch(log, report);
  const came = (frame: object) => watch.came(JSON.stringify(frame));
  came({ eventType: 'chat.notifications', data: {} });
  return {
    ...{ report, log, watch, came },
    ask: (id: string, event_type = 'message.send', data = {}) => watch.sent(JSON.stringify({ id, event_type, data })),
    answer: (id: string, data = {}) => came({ eventType: 'event.ack', data, id }),
    /** Live broadcasts of a room. */
    get: (...offsets: number[]) => {
      for (const offset of offsets) came({ eventType: 'message.dispatch', data: {}, room_id: 'room', offset });
    },
  };
}

describe('an answer', () => {
  it('is right when it comes once', () => {
    const { ask, answer, report, watch } = connection();
    ask('1');
    expect(watch.unanswered).toEqual(['message.send']);
    answer('1');
    expect([watch.unanswered, report.kinds]).toEqual([[], []]);
  });

  it('is found when it does not come, comes twice, or is an internal error', async () => {
    const { ask, answer, report, watch, log, came } = connection();
    ask('1', 'room.list');
    expect(() => expectAllAnswered([{ log, wire: { watch } }])).toThrow('phone: room.list');
    await stepsOf(report, 1)('every event is answered', async () => expectAllAnswered([{ log, wire: { watch } }]));
    expect(report.breaches).toEqual([expect.objectContaining({ kind: 'recovery' })]);
    answer('1');
    answer('1');
    expect(report.breachCount('answer')).toBe(1);
    ask('2');
    came({ error: { code: 4006, detail: 'Internal server error.' }, id: '2' });
    expect(report.breachCount('answer')).toBe(2);
  });

  it('is found when it is no JSON, or binary', () => {
    const { report, watch } = connection();
    watch.came('{');
    watch.came('{}', true);
    expect(report.breachCount('answer')).toBe(2);
  });

  it('is found when anything comes before chat.notifications', () => {
    const report = new QuietReport();
    new WireWatch(new DeviceLog(1, 'phone'), report).came('{"eventType":"event.ack","data":{}}');
    expect(report.kinds).toEqual(['answer']);
  });
});

describe('broadcasts on one connection', () => {
  it.each<[string, number[], string[], number]>([
    ['in order', [4, 5, 6], [], 0],
    ['twice', [4, 5, 5], ['duplicate'], 0],
    ['out of order', [4, 6, 5], ['reordering'], 1],
    ['with a hole', [4, 6], [], 1],
  ])('come %s', (_, offsets, kinds, jumps) => {
    const { get, report, log } = connection();
    get(...offsets);
    expect(report.kinds).toEqual(kinds);
    // Whether a hole was right is told by the memberships, at the end.
    expect(log.jumps).toHaveLength(jumps);
  });

  it('come with another text than on an earlier connection', () => {
    const { came, report } = connection();
    came({ eventType: 'message.dispatch', data: { seq: 1 }, room_id: 'room', offset: 1 });
    came({ eventType: 'message.dispatch', data: { seq: 2 }, room_id: 'room', offset: 1 });
    expect(report.kinds).toContain('reordering');
  });

  it('come once more in a resume, and not twice more', () => {
    const { get, ask, answer, report, log } = connection();
    get(4, 5);
    ask('r', 'session.resume', { rooms: { room: 3 } });
    get(4, 5, 6, 6);
    expect(report.kinds).toEqual([]);
    get(6);
    expect(report.kinds).toEqual(['duplicate']);
    answer('r', { rooms: { room: { recovered: true, offset: 6 } } });
    get(7);
    expect([report.kinds, log.jumps]).toEqual([['duplicate'], []]);
  });

  it('may begin anew after the user was in no room any more', () => {
    const { get, came, report, log } = connection();
    get(4);
    came({ eventType: 'roomexit.dispatch', data: { room: { id: 'room' } } });
    get(9);
    expect([report.kinds, log.jumps]).toEqual([[], []]);
  });
});

describe('a rush', () => {
  const kinds = (state: { isIn: number; took: number }) => {
    const report = new QuietReport();
    judgeRush('came back', 10_000, { ...state, ends: { 1013: 5 } }, report);
    return report.kinds;
  };

  it('is right when all are in, in time, and found when they are not', () => {
    expect(kinds({ isIn: 10_000, took: RUSH_LIMIT })).toEqual([]);
    expect(kinds({ isIn: 9_999, took: RUSH_LIMIT })).toEqual(['recovery']);
    expect(kinds({ isIn: 10_000, took: RUSH_LIMIT + 1 })).toEqual(['recovery']);
  });

  it('is found when others wait behind it', () => {
    const report = new QuietReport();
    judgeOthers(OTHERS_LIMIT, report);
    expect(report.kinds).toEqual([]);
    judgeOthers(OTHERS_LIMIT + 1, report);
    expect(report.kinds).toEqual(['recovery']);
  });
});
