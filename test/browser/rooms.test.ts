/** Rooms in a real browser: made, joined, administered and left, as all their members see it. */
import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { expectText, useBrowser } from '../helpers/browser.js';
import { uniqueName, useStack } from '../helpers/chat.js';
import type { Person } from '../helpers/stack.js';
import { Device, openDevice } from './device.js';

const scene = useStack('embedded');
const open = useBrowser();

let people: Person[];
let names: string[];
let ann: Device;
let ben: Device;

beforeEach(async () => {
  people = await Promise.all([scene.stack.newUser(), scene.stack.newUser(), scene.stack.newUser()]);
  names = people.map(({ user }) => user.username);
  const address = scene.stack.gateways[0]!;
  [ann, ben] = await Promise.all([openDevice(open, address, people[0]!), openDevice(open, address, people[1]!)]);
});

test('somebody new creates an account, signs out and in again; a wrong password is told', async () => {
  const device = new Device(await open(`${scene.stack.gateways[0]}/`));
  const name = `new_${randomBytes(5).toString('hex')}`;
  await device.signIn(name, 'Create account');
  await device.page.getByText('No rooms yet').waitFor();
  await device.press('Sign out');
  await device.page.getByLabel('User name').fill(name);
  await device.page.getByLabel('Password').fill('not it');
  await device.press('Sign in');
  await device.page.getByText('The user name or the password is wrong.').waitFor();
  await device.signIn(name);
  await device.online();
});

test('a direct message: made once, and found again by whoever starts it next', async () => {
  await ann.create('Direct message', [names[1]!]);
  await ann.page.getByRole('heading', { name: names[1]!, level: 2 }).waitFor();
  await ann.send('Hi');
  await ben.open(names[0]!);
  await ben.shows('Hi');
  await ben.create('Direct message', [names[0]!]);
  await ben.shows('Hi');
  await expectText(() => ben.rooms.getByRole('link').count(), 1);
});

test('a group: members see it at once; people are added, made admins, dismissed, removed; locked, only admins write', async () => {
  const room = uniqueName();
  await ann.create('Group', [names[1]!], room);
  await ben.open(room);
  const cleo = await openDevice(open, scene.stack.gateways[0]!, people[2]!);

  await ann.press('Room details');
  await ann.press('Add people', ann.details);
  const dialog = ann.page.getByRole('dialog', { name: 'Add people' });
  await ann.pick(dialog, 'People', [names[2]!]);
  await ann.press('Add', dialog);
  await ann.member(names[2]!).waitFor();
  await cleo.open(room);

  await ann.details.getByLabel('Only admins write (locked)').click();
  for (const device of [ben, cleo]) await device.page.getByText(/^Only admins can write here/).waitFor();
  await ann.actOn(names[1]!, 'Make admin');
  await ben.box.waitFor();
  await ben.send('I am an admin');
  await ann.shows('I am an admin');
  await ann.actOn(names[1]!, 'Dismiss as admin');
  await ben.page.getByText(/^Only admins can write here/).waitFor();
  await ann.details.getByLabel('Only admins write (locked)').click();
  await cleo.box.waitFor();

  await ann.actOn(names[2]!, 'Remove from the room');
  await ann.member(names[2]!).waitFor({ state: 'detached' });
  await cleo.page.getByText('You are not a member of this room.').waitFor();
  await cleo.room(room).waitFor({ state: 'detached' });
  await ann.send('Without Cleo');
  await ben.shows('I am an admin', 'Without Cleo');
  expect(await cleo.page.getByText('Without Cleo').count()).toBe(0);

  await ben.press('Room details');
  await ben.press('Leave room', ben.details);
  await ben.press('Leave', ben.page.getByRole('dialog', { name: 'Leave room' }));
  await ben.room(room).waitFor({ state: 'detached' });
  await ann.member(names[1]!).waitFor({ state: 'detached' });
});

test('a public channel is found and joined; who may write is allowed to; a new name and the end are seen by all', async () => {
  const room = uniqueName('news');
  await ann.create('Channel', [], room);
  await ann.send('Welcome');

  await ben.press('Discover channels');
  const dialog = ben.page.getByRole('dialog', { name: 'Discover channels' });
  await dialog.getByLabel('Find a channel').fill(room);
  await ben.press(`Join ${room}`, dialog);
  await ben.shows('Welcome');
  await ben.page.getByText('Only moderators write here').waitFor();

  await ann.press('Room details');
  await ann.member(names[1]!).waitFor();
  await ann.actOn(names[1]!, 'Permissions');
  const permissions = ann.page.getByRole('dialog', { name: `Permissions of ${names[1]}` });
  await ann.press('Allow: Write messages', permissions);
  await permissions.getByText('Allowed now').waitFor();
  await ann.press('Done', permissions);
  await ben.press('I am allowed to');
  await ben.send('Thank you');
  await ann.shows('Welcome', 'Thank you');

  await ann.press('Edit room', ann.details);
  const form = ann.page.getByRole('dialog', { name: 'Edit room' });
  await form.getByLabel('Name').fill(`${room} daily`);
  await ann.press('Save', form);
  await ben.room(`${room} daily`).waitFor();
  await ann.press('Delete room', ann.details);
  await ann.press('Delete', ann.page.getByRole('dialog', { name: 'Delete room' }));
  await ben.page.getByText('This room is not there any more.').waitFor();
  await ben.room(`${room} daily`).waitFor({ state: 'detached' });
});
