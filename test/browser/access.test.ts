/** The page by keyboard, on a phone, in the dark, and as a screen reader finds it. */
import type { Locator, Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { useBrowser } from '../helpers/browser.js';
import { createGroup, sendMessage, useStack } from '../helpers/chat.js';
import type { WireRoom } from '../helpers/shapes.js';
import { type Chatter, PASSWORD } from '../helpers/stack.js';
import { Device, openDevice } from './device.js';

const scene = useStack('embedded');
const open = useBrowser();

let address: string;
let ann: Chatter;
let ben: Chatter;
let room: WireRoom;

beforeEach(async () => {
  address = scene.stack.gateways[0]!;
  [ann, ben] = (await scene.strangers(2)) as [Chatter, Chatter];
  room = await createGroup(ann, [ben]);
  await sendMessage(ben, room, 'A first message, long enough to need more than one line on the screen of a phone.');
});

const hasFocus = async (page: Page, target: Locator) => (await target.and(page.locator(':focus')).count()) > 0;

/** Presses Tab until the focus is there. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let count = 0; count < 40; count++) {
    await page.keyboard.press('Tab');
    if (await hasFocus(page, target)) return;
  }
  throw new Error(`Forty times Tab did not lead to ${target}.`);
}

/** Roles that a user acts on, or is told of; each needs a name. */
const named = new Set(
  'button link textbox searchbox combobox listbox checkbox radio switch menuitem option dialog img image log toolbar navigation'.split(
    ' ',
  ),
);

/** What the browser tells a screen reader that has no name. */
async function nameless(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  return nodes
    .filter(({ ignored, role, name }) => !ignored && named.has(role?.value) && !name?.value?.trim())
    .map(({ role, properties }) => `${role?.value} ${JSON.stringify(properties)}`);
}

test('signs in, opens a room, sends and reacts with the keyboard alone', async () => {
  const device = new Device(await open(`${address}/`));
  const { page } = device;
  await tabTo(page, page.getByLabel('User name'));
  await page.keyboard.type(ann.user.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await tabTo(page, device.room(room.name!));
  await page.keyboard.press('Enter');
  await tabTo(page, device.box);
  await page.keyboard.type('Two');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('lines');
  await page.keyboard.press('Enter');
  await device.message(/Two\s+lines/).waitFor();
  await device.marked('lines', /^(Sent|Delivered)/);

  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await tabTo(page, device.message('lines'));
  await page.keyboard.press('ArrowUp');
  await tabTo(page, device.message('A first message').getByRole('button', { name: 'React' }));
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await device.message('A first message').getByRole('button', { name: '❤️ 1' }).waitFor();

  await tabTo(page, page.getByRole('button', { name: 'New room' }));
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'New room' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'New room' }).waitFor({ state: 'detached' });
  expect(await hasFocus(page, page.getByRole('button', { name: 'New room' }))).toBe(true);
});

test('on a phone: rooms, then one room, and back; nothing is wider than the screen', async () => {
  const device = await openDevice(open, address, ann, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const { page } = device;
  const fits = async () => {
    const width = await page.evaluate<number>('Math.max(document.documentElement.scrollWidth, innerWidth)');
    expect(width).toBe(390);
    // What can be pressed lies on the screen, apart from what waits beside the visible part of a scroller.
    for (const button of await page.getByRole('button').all()) {
      const box = (await button.isVisible()) ? await button.boundingBox() : null;
      if (!box) continue;
      expect(box.x, (await button.getAttribute('aria-label')) ?? '').toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(390);
    }
  };
  await fits();
  expect(await device.box.isVisible()).toBe(false);
  await device.open(room.name!);
  await device.box.waitFor();
  expect(await device.rooms.isVisible()).toBe(false);
  await device.send('From the phone');
  await device.message('From the phone').waitFor();
  await fits();
  await device.press('Room details');
  await device.member(ben.user.username).waitFor();
  await fits();
  await device.press('Close details');
  await device.press('Back to the rooms');
  await device.room(room.name!).waitFor();
  await device.press('New room');
  await page.getByRole('dialog', { name: 'New room' }).waitFor();
  await fits();
});

/** How light a colour of the page is, from 0 (black) to 1 (white), and a ratio of two such (WCAG). */
const luminance = (colour: string) => {
  const [red, green, blue] = colour
    .match(/[\d.]+/g)!
    .map(Number)
    .map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

test('follows the colours of the device, readable in the dark as in the light, and can be set to one', async () => {
  for (const colorScheme of ['dark', 'light'] as const) {
    const device = await openDevice(open, address, ann, { colorScheme });
    await device.open(room.name!);
    await device.message('A first message').waitFor();
    const read = async (selector: string, property: string) =>
      luminance(
        await device.page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).${property}`),
      );
    const ground = await read('body', 'backgroundColor');
    if (colorScheme === 'dark') expect(ground).toBeLessThan(0.1);
    else expect(ground).toBeGreaterThan(0.7);
    const [text, bubble] = [await read('.bubble .content', 'color'), await read('.bubble', 'backgroundColor')];
    const contrast = (Math.max(text, bubble) + 0.05) / (Math.min(text, bubble) + 0.05);
    expect(contrast).toBeGreaterThan(7);
    const other = colorScheme === 'dark' ? 'Light' : 'Dark';
    await device.page.getByRole('radio', { name: other }).check();
    const chosen = await read('body', 'backgroundColor');
    if (colorScheme === 'dark') expect(chosen).toBeGreaterThan(0.7);
    else expect(chosen).toBeLessThan(0.1);
  }
});

test('every control, dialog and picture has a name', async () => {
  const device = new Device(await open(`${address}/`));
  const { page } = device;
  expect(await nameless(page), 'sign-in').toEqual([]);
  await device.signIn(ann.user.username);
  await device.open(room.name!);
  await device.send('Mine');
  await device.marked('Mine', /^(Sent|Delivered)/);
  await device.act('React', 'Mine');
  await device.page.getByRole('button', { name: 'React with 👍' }).waitFor();
  expect(await nameless(page), 'a room, with the reactions').toEqual([]);
  await device.press('React with 👍');
  await device.press('Room details');
  await device.press(`Actions for ${ben.user.username}`, device.details);
  expect(await nameless(page), 'details').toEqual([]);
  await page.keyboard.press('Escape');
  for (const [button, title] of [
    ['New room', 'New room'],
    ['Discover channels', 'Discover channels'],
    ['Attach media', 'Attach media'],
    ['Add people', 'Add people'],
  ] as const) {
    await device.press(button);
    await page.getByRole('dialog', { name: title }).waitFor();
    expect(await nameless(page), title).toEqual([]);
    await page.keyboard.press('Escape');
  }
});
