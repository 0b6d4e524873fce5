import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  createGroup,
  expectKeys,
  expectMessage,
  historyOf,
  quiet,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import { ATTACHMENT_KEYS } from '../helpers/shapes.js';
import { STACK_KINDS } from '../helpers/stack.js';

const OFFICE = 'application/vnd.openxmlformats-officedocument';

const MIME_TYPES = [
  ...['jpeg', 'png', 'gif', 'webp', 'bmp', 'heic'].map((type) => `image/${type}`),
  ...['mpeg', 'mp4', 'aac', 'ogg', 'wav', 'opus'].map((type) => `audio/${type}`),
  ...['mp4', 'quicktime', 'webm', 'ogg', 'x-msvideo', 'x-matroska'].map((type) => `video/${type}`),
  ...['pdf', 'msword', 'vnd.ms-excel', 'vnd.ms-powerpoint'].map((type) => `application/${type}`),
  ...['wordprocessingml.document', 'spreadsheetml.sheet', 'presentationml.presentation'].map((t) => `${OFFICE}.${t}`),
  ...['text/plain', 'text/csv'],
];

const image = { media_url: 'https://example.com/a.png', media_type: 'image', mime_type: 'image/png', file_size: 12 };

describe.each(STACK_KINDS)('media on %s', (kind) => {
  const scene = useStack(kind);

  test('arrives as attachments, in order, with exactly their keys', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const media = [
      { ...image, caption: 'A picture 👍', metadata: { width: 3, tags: ['a'] } },
      { media_url: 'http://example.com/b.pdf', media_type: 'file', mime_type: 'application/pdf', file_size: 0 },
    ];
    const message = await sendMessage(alice!, room, 'look', [bob!], { extra_fields: { media } });
    expectMessage(message);
    expect(message.attachments).toHaveLength(2);
    for (const attachment of message.attachments) expectKeys(attachment, ATTACHMENT_KEYS);
    expect(message.attachments[0]).toMatchObject(media[0]!);
    expect(message.attachments[1]).toMatchObject(media[1]!);
    expect(await historyOf(bob!, room)).toEqual([message]);
  });

  test('needs no content beside it', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const extra_fields = { media: [image] };
    expect((await sendMessage(alice!, room, undefined, [bob!], { extra_fields })).content).toBe('');
    expect((await sendMessage(alice!, room, '', [bob!], { extra_fields })).attachments).toHaveLength(1);
    await refused(alice!, 4003, 'message.send', { room_id: room.id, content: '', extra_fields: { media: [] } });
  });

  test('takes every mime type of the list', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    for (const mime_type of MIME_TYPES) {
      const family = mime_type.split('/')[0]!;
      const media_type = ['image', 'audio', 'video'].includes(family) ? family : 'file';
      const extra_fields = { media: [{ ...image, media_type, mime_type }] };
      const { attachments } = await sendMessage(alice!, room, undefined, [bob!], { extra_fields });
      expect(attachments[0]).toMatchObject({ mime_type, media_type });
    }
  });

  test('that is wrong fails the whole event', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    for (const wrong of [
      { ...image, media_url: 'javascript:alert(1)' },
      { ...image, media_url: 'ftp://example.com/a' },
      { ...image, media_url: 'data:image/png;base64,AA' },
      { ...image, media_url: '/relative' },
      { ...image, media_url: undefined },
      { ...image, media_type: 'picture' },
      { ...image, media_type: undefined },
      { ...image, mime_type: 'image/svg+xml' },
      { ...image, mime_type: 'text/html' },
      { ...image, mime_type: 'IMAGE/PNG' },
      { ...image, mime_type: undefined },
      { ...image, file_size: -1 },
      { ...image, file_size: 1.5 },
      { ...image, file_size: 'big' },
      { ...image, caption: 7 },
      { ...image, id: 'mine' },
      { ...image, nonsense: 1 },
      'image',
      null,
    ]) {
      await refused(alice!, 4003, 'message.send', {
        room_id: room.id,
        content: 'left behind?',
        extra_fields: { media: [image, wrong] },
      });
    }
    await refused(alice!, 4003, 'message.send', { room_id: room.id, content: 'x', extra_fields: { media: image } });
    await quiet(alice!, bob!);
    expect(await historyOf(bob!, room)).toEqual([]);
  });

  test('stays with an edited message', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'look', [bob!], { extra_fields: { media: [image] } });
    await acknowledged(alice!, 'message.modify', {
      action: 'update',
      message_id: message.id,
      extra_fields: { content: 'look here' },
    });
    expect((await historyOf(bob!, room))[0]!.attachments).toEqual(message.attachments);
  });
});
