/** The page on a bad day: no network, a server that restarts, a sign-in that ends. */
import { SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWire, type Wire } from '../client/support.js';
import { useBrowser } from '../helpers/browser.js';
import { createGroup, sceneOn, sendMessage, useStack } from '../helpers/chat.js';
import type { WireRoom } from '../helpers/shapes.js';
import { type Chatter, JWT_SECRET, type OwnStack, type Person, startStack } from '../helpers/stack.js';
import { type Device, openDevice } from './device.js';

const scene = useStack('embedded');
const open = useBrowser();

let wire: Wire;
let address: string;
let own: OwnStack | undefined;

/** Lets pages reach a server over a network that can be cut. */
async function wireTo(gateway: string): Promise<void> {
  wire = await startWire(gateway);
  address = wire.url.replace('ws', 'http').replace('/messaging/', '');
}

beforeEach(() => wireTo(scene.stack.gateways[0]!));

afterEach(async () => {
  await wire.close();
  await own?.close();
  own = undefined;
});

/** Somebody with the page open in a room with a friend. */
async function pageOf(people: Chatter[]): Promise<[device: Device, friend: Chatter, room: WireRoom]> {
  const [owner, friend] = people as [Chatter, Chatter];
  const room = await createGroup(owner, [friend]);
  await owner.close();
  const device = await openDevice(open, address, owner);
  await device.open(room.name!);
  await device.page.getByText('This is where it begins.').waitFor();
  return [device, friend, room];
}

test('offline: what is written waits, survives a reload, and goes out once and in order; what was missed is there', async () => {
  const [device, friend, room] = await pageOf(await scene.strangers(2));
  const { page } = device;
  await device.send('Before');
  await device.marked('Before', 'Sent');

  await page.context().setOffline(true);
  wire.cut();
  await device.connection.getByText('You are offline.').waitFor();
  for (const text of ['one', 'two', 'three']) await device.send(text);
  await device.marked('three', 'On its way');
  await sendMessage(friend, room, 'Where are you?');
  await device.shows('Before', 'one', 'two', 'three');

  wire.mend();
  await page.context().setOffline(false);
  await device.online();
  const all = ['Before', 'Where are you?', 'one', 'two', 'three'];
  await device.shows(...all);
  await device.marked('three', 'Sent');
  expect(await page.getByRole('img', { name: 'On its way' }).count()).toBe(0);

  wire.cut();
  await device.connection.getByText('Reconnecting').waitFor();
  await device.send('four');
  // Only the chat is cut off: the page itself loads.
  wire.mend();
  await page.reload();
  await device.online();
  await device.shows(...all, 'four');
  await device.marked('four', 'Sent');
});

test('a restart of the server: the page comes back by itself, with what was said meanwhile', async () => {
  own = await startStack('embedded');
  await wire.close();
  await wireTo(own.gateways[0]!);
  const [device, friend, room] = await pageOf(await sceneOn(own).strangers(2));
  await device.send('Before');
  await device.marked('Before', 'Sent');

  await own.apps[0]!.stop('SIGTERM');
  await device.connection.getByText('Reconnecting').waitFor();
  await device.send('While it was away');
  await device.marked('While it was away', 'On its way');
  await own.startApp();
  const back = await own.connect(friend, own.gateways.length - 1);
  await sendMessage(back, room, 'It is back');
  wire.lead(own.gateways.at(-1)!);
  await device.online();
  await device.marked('While it was away', 'Sent');
  await device.shows('Before', 'It is back', 'While it was away');
});

test('a sign-in that ends: the page says so, and after signing in again all is there', async () => {
  const [owner, friend] = (await scene.strangers(2)) as [Chatter, Chatter];
  const room = await createGroup(owner, [friend]);
  const short: Person = { user: owner.user, token: await tokenFor(owner.user.id, 12) };
  const device = await openDevice(open, address, short);
  await device.open(room.name!);
  await device.send('Before');
  await device.marked('Before', 'Sent');
  await device.page.getByText('Your session has ended. Please sign in again.').waitFor();
  expect(await device.page.getByText('Before').count()).toBe(0);
  await sendMessage(friend, room, 'Still there?');
  await device.signIn(owner.user.username);
  await device.open(room.name!);
  await device.shows('Before', 'Still there?');
});

/** A token as the app signs them, good for so many seconds. */
function tokenFor(userId: number, seconds: number): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(String(userId))
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(JWT_SECRET));
}
