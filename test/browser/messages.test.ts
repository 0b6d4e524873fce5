/** Messages in a real browser: two users, one of them with a second device. */
import { beforeEach, describe, expect, test } from 'vitest';
import { expectText, useBrowser } from '../helpers/browser.js';
import { acknowledged, createChannel, createGroup, useStack } from '../helpers/chat.js';
import type { Chatter } from '../helpers/stack.js';
import { type Device, openDevice } from './device.js';

const scene = useStack('embedded');
const open = useBrowser();

/** One pixel. */
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

describe('in a group of two', () => {
  let ann: Device;
  let ben: Device;
  let people: Chatter[];
  let room: string;

  beforeEach(async () => {
    people = await scene.strangers(2);
    room = (await createGroup(people[0]!, [people[1]!])).name!;
    const address = scene.stack.gateways[0]!;
    [ann, ben] = await Promise.all([openDevice(open, address, people[0]!), openDevice(open, address, people[1]!)]);
    await scene.stack.disconnectAll();
    await ann.open(room);
  });

  test('what is sent is delivered to who is there, counted as unread, and read when it is seen', async () => {
    await ann.send('Hello');
    await ann.marked('Hello', 'Delivered');
    await ben.room(room).getByText('Hello').waitFor();
    await ben.room(room).getByText('1 unread').waitFor();
    await expectText(() => ben.page.title(), '(1) Lantern');

    await ben.open(room);
    await ben.shows('Hello');
    await ann.marked('Hello', /^Read by/);
    await ben.room(room).getByText('unread').waitFor({ state: 'detached' });
    await expectText(() => ben.page.title(), 'Lantern');
  });

  test('typing is seen by the other, and gone when the message is there', async () => {
    await ben.open(room);
    await ann.box.pressSequentially('Well');
    await ben.page.getByText(`${people[0]!.user.username} is typing`).waitFor();
    await ann.box.press('Enter');
    await ben.shows('Well');
    await ben.page.getByText('is typing').waitFor({ state: 'detached' });
  });

  test('reply, jump to what was answered, edit, react and take back, delete: the other sees each at once', async () => {
    await ben.open(room);
    await ann.send('Lunch at 12?');
    await ben.act('Reply', 'Lunch at 12?');
    await ben.page.getByText('Reply to').waitFor();
    await ben.send('Yes');
    const reply = ann.message('Yes');
    await reply.getByRole('button', { name: 'Lunch at 12?' }).click();
    await ann.shows('Lunch at 12?', 'Yes');

    await ann.log.getByRole('article').first().hover();
    await ann.log.getByRole('article').first().getByRole('button', { name: 'Edit' }).click();
    await expectText(() => ann.box.inputValue(), 'Lunch at 12?');
    await ann.send('Lunch at 1?');
    await ben.shows('Lunch at 1?', 'Yes');
    await ben.log.getByText('edited').waitFor();

    await ann.act('React', 'Yes');
    await ann.press('React with 🎉');
    const reaction = ben.message('Yes').getByRole('button', { name: '🎉 1' });
    await reaction.click();
    await ann.message('Yes').getByRole('button', { name: '🎉 2', pressed: true }).click();
    await ben.message('Yes').getByRole('button', { name: '🎉 1', pressed: true }).waitFor();

    await ben.act('Delete', 'Yes');
    await ben.press('Delete', ben.page.getByRole('dialog', { name: 'Delete message' }));
    await ann.shows('Lunch at 1?');
    await ben.shows('Lunch at 1?');
    // Only one's own can be edited and deleted.
    const tools = ben.message('Lunch').getByRole('toolbar').getByRole('button');
    const names = await Promise.all((await tools.all()).map((tool) => tool.getAttribute('aria-label')));
    expect(names).toEqual(['React', 'Reply', 'Forward']);
  });

  test('pictures and files by address are shown before and after sending', async () => {
    for (const { page } of [ann, ben]) {
      await page.route('http://media.invalid/**', (route) =>
        route.fulfill({ contentType: 'image/png', body: picture }),
      );
    }
    await ben.open(room);
    await ann.press('Attach media');
    const dialog = ann.page.getByRole('dialog', { name: 'Attach media' });
    await dialog.getByLabel('Web address').fill('http://media.invalid/cat.png');
    await dialog.getByLabel('Caption').fill('A cat');
    await dialog.getByRole('img', { name: 'A cat' }).waitFor();
    await ann.press('Attach', dialog);
    await ann.press('Attach media');
    await dialog.getByLabel('Web address').fill('http://media.invalid/menu.pdf');
    await dialog.getByRole('link', { name: 'menu.pdf' }).waitFor();
    await ann.press('Attach', dialog);
    await ann.send('Look');

    const message = ben.message('Look');
    await message.getByRole('img', { name: 'A cat' }).waitFor();
    expect(await message.getByRole('img', { name: 'A cat' }).getAttribute('src')).toBe('http://media.invalid/cat.png');
    await message.getByRole('link', { name: 'menu.pdf' }).waitFor();
  });

  test('a message is forwarded to another room, with what it said', async () => {
    const [author, reader] = await Promise.all([scene.device(people[0]!), scene.device(people[1]!)]);
    const other = await createChannel(author, [reader]);
    await ann.send('Worth telling');
    await ann.act('Forward', 'Worth telling');
    const dialog = ann.page.getByRole('dialog', { name: 'Forward to' });
    await ann.press(other.name!, dialog);
    await ann.page.getByRole('heading', { name: other.name!, level: 2 }).waitFor();
    await ann.shows('Worth telling');
    await ben.open(other.name!);
    await ben.message('Worth telling').getByText(`Forwarded from ${people[0]!.user.username}`).waitFor();
  });

  test('a second device of the same user stays in step', async () => {
    const phone = await openDevice(open, scene.stack.gateways[0]!, people[1]!);
    await ann.send('One');
    await phone.room(room).getByText('1 unread').waitFor();
    await ben.room(room).getByText('1 unread').waitFor();
    // Read on one, read on both.
    await ben.open(room);
    await phone.room(room).getByText('unread').waitFor({ state: 'detached' });
    await phone.open(room);
    await phone.send('Two');
    for (const device of [ann, ben, phone]) await device.shows('One', 'Two');
    await ben.marked('Two', /^(Delivered|Read by)/);
  });
});

test('history is there from the newest on, and older messages come while scrolling up', async () => {
  const [author, reader] = (await scene.strangers(2)) as [Chatter, Chatter];
  const group = await createGroup(author, [reader]);
  await reader.close();
  const numbers = Array.from({ length: 80 }, (_, index) => `No. ${index + 1}`);
  for (const content of numbers) await acknowledged(author, 'message.send', { room_id: group.id, content });
  const device = await openDevice(open, scene.stack.gateways[0]!, reader);
  await device.open(group.name!);
  await device.message('No. 80').waitFor();
  expect(await device.message(/^No\. 1\b/).count()).toBe(0);
  await device.log.hover();
  await expect
    .poll(
      async () => {
        await device.page.mouse.wheel(0, -3000);
        return device.page.getByText('This is where it begins.').count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  await device.shows(...numbers);
});
