/** Hostile HTML, sent as content through a whole chat; what comes back is put into a page of a real browser. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answered, createGroup } from '../helpers/chat.js';
import type { WireAck, WireMessage } from '../helpers/shapes.js';
import { type Judge, openJudge } from './html-judge.js';
import { HTML_VECTORS } from './html-vectors.js';
import { type Scenery, setScenery } from './scenery.js';

const vectors = Object.values(HTML_VECTORS).flat();

let judge: Judge;
/** What a stack gave that was judged already: another gives the same. */
const judged = new Set<string>();
beforeAll(async () => {
  judge = await openJudge();
});
afterAll(() => judge?.close());

describe('the judge', () => {
  it('has a hundred attempts to judge, none of them twice', () => {
    expect(new Set(vectors).size).toBe(vectors.length);
    expect(vectors.length).toBeGreaterThan(150);
  });

  it('is awake: of what is not cleaned, it finds what should not be, and sees it act', async () => {
    const { faults, acts } = await judge.judge([
      '<img src=x onerror=alert(1)>',
      '<a href="javascript:alert(1)">x</a>',
      '<b onclick="alert(1)">x</b>',
      '<img src=//evil.example/x.png>',
      '<a href="https://x.example" target="_blank">x</a>',
      '<!-- note -->',
    ]);
    const found = faults.join('\n');
    for (const what of ['an element IMG', 'javascript:alert(1)', 'an attribute onclick', 'a node #comment', 'rel']) {
      expect(found).toContain(what);
    }
    expect(acts).toContain('dialog alert 1');
    expect(acts).toContain('asked for https://evil.example/x.png');
  });
});

describe.each(['embedded', 'distributed'] as const)('hostile HTML, %s', (kind) => {
  let scenery: Scenery;

  beforeAll(async () => {
    scenery = await setScenery(kind);
  });
  afterAll(async () => {
    await scenery?.close();
  });

  /** All messages of a room as its other member reads them. */
  async function read(room_id: string): Promise<string[]> {
    const { data } = await answered<{ data: { messages: WireMessage[] } }>(
      scenery.witness,
      'room.messages',
      { room_id, paginate: { page: 1, size: 200 } },
      'roommessages.dispatch',
    );
    return data.messages.map(({ content }) => content);
  }

  /** Sends each content, and edits a message into it; resolves with all that anybody was told of it. */
  async function received(contents: readonly string[]): Promise<string[]> {
    const { owner, witness } = scenery;
    const { id: room_id } = await createGroup(owner, [witness]);
    const attempt = async (content: string) => {
      const first = await owner.request<WireAck>('message.send', { room_id, content: 'harmless' });
      const change = { action: 'update', message_id: first.data.message_id, extra_fields: { content } };
      for (const { error } of [
        await owner.request('message.send', { room_id, content }),
        await owner.request('message.modify', change),
      ]) {
        if (error) expect(error, content).toMatchObject({ code: 4003, detail: { content: expect.any(Array) } });
      }
    };
    await Promise.all(contents.map(attempt));
    const seen = await read(room_id);
    for (const client of [owner, witness]) {
      const frames = client.pending.splice(0).map(({ data }) => data as WireMessage & { message?: WireMessage });
      seen.push(...frames.map((data) => (data.message ?? data).content));
    }
    return seen.filter((content) => content !== 'harmless');
  }

  const fragments = new Set<string>();

  it.each(Object.entries(HTML_VECTORS))('%s: sent, and edited into a message', async (_name, attempts) => {
    for (const fragment of await received(attempts)) fragments.add(fragment);
  });

  it('nothing of it is left to act', { timeout: 60_000 }, async () => {
    expect(fragments.size).toBeGreaterThan(50);
    const fresh = [...fragments].filter((fragment) => !judged.has(fragment));
    expect(await judge.judge(fresh)).toEqual({ faults: [], acts: [] });
    for (const fragment of fresh) judged.add(fragment);
  });

  it('a link leads where it says, or nowhere', async () => {
    const link = (href: string) => `<a href="${href}">x</a>`;
    const kept = ['https://x.example/?a=1#b', 'http://x.example:81', 'mailto:a@x.example', 'HTTPS://x.example'];
    const dropped = [
      '/logout',
      'x',
      '#x',
      '?x',
      '//x.example',
      '/\\\\x.example',
      'https:x.example',
      'https:/x',
      'https://',
    ];
    expect(new Set(await received(kept.map(link)))).toEqual(new Set(kept.map(link)));
    expect(new Set(await received(dropped.map(link)))).toEqual(new Set(['<a>x</a>']));
  });
});
