import { describe, expect, test } from 'vitest';
import { acknowledged, createGroup, historyOf, quiet, refused, sendMessage, useStack } from '../helpers/chat.js';
import type { WireRoom } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

/** What is sent, and what must arrive. */
const CASES: [string, string][] = [
  ['plain text', 'plain text'],
  ['a < b && c', 'a &lt; b &amp;&amp; c'],
  ['1 < 2 > 0', '1 &lt; 2 &gt; 0'],
  ['a <- b', 'a &lt;- b'],
  ['I <3 you', 'I &lt;3 you'],
  ['fish & chips', 'fish &amp; chips'],
  ['  trimmed  ', 'trimmed'],
  ['👍 🇦🇹 👩‍👩‍👧‍👦', '👍 🇦🇹 👩‍👩‍👧‍👦'],
  ['שלום عالم', 'שלום عالم'],
  ['𝒳 漢字 é', '𝒳 漢字 é'],
  ['<b>bold</b> <i>i</i> <strong>s</strong> <em>e</em>', '<b>bold</b> <i>i</i> <strong>s</strong> <em>e</em>'],
  ['<p>one</p><p>two</p>', '<p>one</p><p>two</p>'],
  ['<ul><li>one</li></ul><ol><li>two</li></ol>', '<ul><li>one</li></ul><ol><li>two</li></ol>'],
  ['<span class="c" id="i">x</span>', '<span class="c" id="i">x</span>'],
  ['<a href="https://example.com" title="t">x</a>', '<a href="https://example.com" title="t">x</a>'],
  ['<a href="mailto:a@example.com">x</a>', '<a href="mailto:a@example.com">x</a>'],
  ['<b onclick="x()" style="color:red" data-x="1">x</b>', '<b>x</b>'],
  ['<a href="javascript:alert(1)">x</a>', '<a>x</a>'],
  ['<a href="data:text/html,x">x</a>', '<a>x</a>'],
  ['<h1>x</h1>', 'x'],
  ['x<script>alert(1)</script>', 'x'],
  ['x<img src=x onerror=alert(1)>', 'x'],
  ['x<iframe src="https://example.com"></iframe>', 'x'],
  ['x<style>b{}</style>', 'x'],
  ['<b title="t" href="https://example.com">x</b>', '<b>x</b>'],
];

describe.each(STACK_KINDS)('content on %s', (kind) => {
  const scene = useStack(kind);

  async function pair(): Promise<{ alice: Chatter; bob: Chatter; room: WireRoom }> {
    const [alice, bob] = (await scene.people(2)) as [Chatter, Chatter];
    return { alice, bob, room: await createGroup(alice, [bob]) };
  }

  test('arrives as an HTML fragment of the allowed tags, on sending and on editing', async () => {
    const { alice, bob, room } = await pair();
    for (const [sent, arrives] of CASES) {
      const message = await sendMessage(alice, room, sent, [bob]);
      expect(message.content, sent).toBe(arrives);
      await acknowledged(alice, 'message.modify', {
        action: 'update',
        message_id: message.id,
        extra_fields: { content: 'edited' },
      });
      await acknowledged(alice, 'message.modify', {
        action: 'update',
        message_id: message.id,
        extra_fields: { content: sent },
      });
      const [stored] = await historyOf(bob, room);
      expect(stored!.content, `edited to ${sent}`).toBe(arrives);
    }
  });

  test('stays as it is when what arrived is sent again', async () => {
    const { alice, bob, room } = await pair();
    for (const [, arrives] of CASES) {
      expect((await sendMessage(alice, room, arrives, [bob])).content).toBe(arrives);
    }
  });

  test('br survives', async () => {
    const { alice, bob, room } = await pair();
    expect((await sendMessage(alice, room, 'a<br>b', [bob])).content).toMatch(/^a<br ?\/?>b$/);
  });

  test('a link with a target gets rel="noopener noreferrer"', async () => {
    const { alice, bob, room } = await pair();
    const { content } = await sendMessage(alice, room, '<a href="https://example.com" target="_blank">x</a>', [bob]);
    expect(content).toContain('href="https://example.com"');
    expect(content).toContain('target="_blank"');
    expect(content).toContain('rel="noopener noreferrer"');
  });

  test('takes 1 to 10,000 code points, counted after trimming and before escaping', async () => {
    const { alice, bob, room } = await pair();
    await refused(alice, 4003, 'message.send', { room_id: room.id, content: '' });
    await refused(alice, 4003, 'message.send', { room_id: room.id, content: ' \n\t ' });
    await refused(alice, 4003, 'message.send', { room_id: room.id, content: 'x'.repeat(10_001) });
    await refused(alice, 4003, 'message.send', { room_id: room.id, content: '👍'.repeat(10_001) });
    expect((await sendMessage(alice, room, ` ${'x'.repeat(10_000)} `, [bob])).content).toHaveLength(10_000);
    expect((await sendMessage(alice, room, '&'.repeat(10_000), [bob])).content).toHaveLength(50_000);
    expect([...(await sendMessage(alice, room, '👍'.repeat(10_000), [bob])).content]).toHaveLength(10_000);
    await quiet(alice, bob);
  });

  test('refuses what sanitising empties, and what is no text', async () => {
    const { alice, bob, room } = await pair();
    const wrong = [
      '<script>alert(1)</script>',
      '<img src=x>',
      '<b></b>',
      '<p> </p>',
      7,
      null,
      {},
      ['x'],
      true,
      undefined,
    ];
    for (const content of wrong) await refused(alice, 4003, 'message.send', { room_id: room.id, content });
    await quiet(alice, bob);
    expect(await historyOf(bob, room)).toEqual([]);
  });

  test('refuses ill-formed Unicode', async () => {
    const { alice, bob, room } = await pair();
    for (const text of ['\\ud800', '\\udc00', 'a\\ud83db', '\\udc4d\\ud83d']) {
      const frame = `{"event_type":"message.send","id":"e${text.length}","data":{"room_id":"${room.id}","content":"${text}"}}`;
      alice.sendRaw(frame);
      const answer = await alice.answer(`e${text.length}`);
      expect(answer.error).toMatchObject({ code: 4003 });
    }
    await quiet(alice, bob);
  });

  test('is stored as sent when it is full of quotes, nulls and SQL', async () => {
    const { alice, bob, room } = await pair();
    for (const text of [
      `it's "quoted" \\ \`and\``,
      "'; DROP TABLE chat_messages; --",
      'a\nb\tc',
      '$' + '{x} %s {{y}}',
    ]) {
      const { content } = await sendMessage(alice, room, text, [bob]);
      expect(content.replaceAll('&quot;', '"').replaceAll('&#39;', "'")).toBe(text);
    }
  });
});
