/** The chat page as its users see it: one browser profile, by the names that a screen reader reads out. */
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expectText, type OpenPage } from '../helpers/browser.js';
import { PASSWORD, type Person } from '../helpers/stack.js';

/** What stands behind the name of one's own message. */
export type Mark = 'Sent' | 'Delivered' | 'On its way' | 'Not sent' | RegExp;

/** One user's page on one device. */
export class Device {
  readonly page: Page;
  readonly rooms: Locator;
  readonly log: Locator;
  readonly box: Locator;
  readonly details: Locator;
  readonly connection: Locator;

  constructor(page: Page) {
    this.page = page;
    this.rooms = page.getByRole('navigation', { name: 'Rooms' });
    this.log = page.getByRole('log', { name: 'Messages' });
    this.box = page.getByRole('textbox', { name: 'Message', exact: true });
    this.details = page.getByRole('complementary', { name: 'Room details' });
    this.connection = page.getByRole('status', { name: 'Connection' });
  }

  /** Presses the button of that name, in the page or in a part of it. */
  async press(name: string | RegExp, part: Page | Locator = this.page): Promise<void> {
    await part.getByRole('button', { name, exact: true }).click();
  }

  /** Fills in the form and signs in. */
  async signIn(username: string, button = 'Sign in'): Promise<void> {
    await this.page.getByLabel('User name').fill(username);
    await this.page.getByLabel('Password').fill(PASSWORD);
    await this.press(button);
    await this.rooms.waitFor();
  }

  /** Resolves when the page is connected. */
  async online(): Promise<void> {
    await this.connection.filter({ hasText: 'Online' }).waitFor({ state: 'attached' });
  }

  /** A room in the list. */
  room(name: string): Locator {
    return this.rooms.getByRole('link', { name, exact: true });
  }

  /** Opens a room of the list. */
  async open(name: string): Promise<void> {
    await this.room(name).click();
    await this.page.getByRole('heading', { name, level: 2 }).waitFor();
  }

  /** Writes a message and sends it with Enter. */
  async send(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press('Enter');
  }

  /** Messages that say so. */
  message(text: string | RegExp): Locator {
    return this.log.getByRole('article').filter({ hasText: text });
  }

  /** Presses one of the tools of a message. */
  async act(tool: string, text: string): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole('toolbar').getByRole('button', { name: tool, exact: true }).click();
  }

  /** Resolves when the room shows these messages and no others, in this order. */
  async shows(...texts: string[]): Promise<void> {
    await expectText(() => this.log.getByRole('article').locator('.content').allTextContents(), texts);
  }

  /** Resolves when the mark of an own message is that. */
  async marked(text: string, mark: Mark): Promise<void> {
    await this.message(text).getByRole('img', { name: mark }).waitFor();
  }

  /** Opens the form for a new room and fills it in. */
  async create(type: 'Direct message' | 'Group' | 'Channel', people: readonly string[], name?: string): Promise<void> {
    await this.press('New room');
    const dialog = this.page.getByRole('dialog', { name: 'New room' });
    await dialog.getByText(type, { exact: true }).click();
    if (name) await dialog.getByLabel('Name').fill(name);
    await this.pick(dialog, type === 'Direct message' ? 'With' : 'People', people);
    if (type === 'Channel') await dialog.getByLabel(/^Public/).check();
    await this.press(type === 'Direct message' ? 'Start' : 'Create', dialog);
    await dialog.waitFor({ state: 'detached' });
  }

  /** Chooses people by name in a dialog. */
  async pick(dialog: Locator, label: string, people: readonly string[]): Promise<void> {
    for (const person of people) {
      await dialog.getByRole('combobox', { name: label }).fill(person);
      await dialog.getByRole('option', { name: person, exact: true }).click();
    }
  }

  /** Opens what is behind the dots beside a member and chooses from it. */
  async actOn(member: string, action: string): Promise<void> {
    await this.press(`Actions for ${member}`, this.details);
    await this.press(action, this.page.getByRole('dialog', { name: `Actions for ${member}` }));
  }

  /** The role that stands beside a member: `creator`, `admin`, `moderator`, or none. */
  member(name: string): Locator {
    return this.details.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: name });
  }
}

/** Opens the page for somebody who signed in on this device before. */
export async function openDevice(
  open: OpenPage,
  address: string,
  person: Person,
  options: BrowserContextOptions = {},
): Promise<Device> {
  const account = JSON.stringify({ token: person.token, user: person.user });
  const page = await open(`${address}/`, {
    ...options,
    storageState: {
      cookies: [],
      origins: [{ origin: address, localStorage: [{ name: 'chat-account', value: account }] }],
    },
  });
  const device = new Device(page);
  await device.online();
  return device;
}
