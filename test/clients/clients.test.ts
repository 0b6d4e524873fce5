/** The small clients of example/clients as a user runs them: beside the example app, over a network that is cut. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWire, type Wire } from '../client/support.js';
import { expectText, useBrowser } from '../helpers/browser.js';
import { acknowledged, createGroup, historyOf, sendMessage, useStack } from '../helpers/chat.js';
import { askControl } from '../helpers/control.js';
import { startProcess, type TestProcess } from '../helpers/processes.js';
import type { WireMessage, WireRoom } from '../helpers/shapes.js';
import { type Chatter, PASSWORD } from '../helpers/stack.js';

const root = join(import.meta.dirname, '..', '..');
const scene = useStack('embedded');
const open = useBrowser();

let wire: Wire;
/** The app's address on the other side of the wire. */
let server: string;
/** Whose client is tested; this connection only makes the room. */
let username: string;
let friend: Chatter;
let room: WireRoom;
const running: TestProcess[] = [];

beforeEach(async () => {
  const [owner, other] = (await scene.strangers(2)) as [Chatter, Chatter];
  wire = await startWire(scene.stack.gateways[0]!);
  server = wire.url.replace('ws', 'http').replace('/messaging/', '');
  friend = other;
  username = owner.user.username;
  room = await createGroup(owner, [other]);
  await owner.close();
});

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await wire.close();
});

/** The messages on a page, each without its mark. */
const shown = (page: Page) => async () => {
  const lines = await page.getByRole('log').getByRole('listitem').allTextContents();
  return lines.map((line) => line.trim().replace(/\s+(sent|delivered|read|waiting)$/, ''));
};

/** The marks of the own messages on a page. */
const marks = (page: Page) => () => page.getByRole('log').locator('small').allTextContents();

async function plays(page: Page): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Rooms' }).getByRole('button', { name: room.name! }).click();
  const box = page.getByRole('textbox', { name: 'Message' });

  const first = await sendMessage(friend, room, 'a < b & <b>c</b>');
  await friend.expect('readreceipt.dispatch');
  await expectText(shown(page), [`${friend.user.username}: a < b & c`]);

  await box.fill('Hi');
  await box.press('Enter');
  const { data: hi } = await friend.expect<WireMessage>('message.dispatch', ({ data }) => data.id !== first.id);
  await expectText(marks(page), ['sent']);
  await acknowledged(friend, 'message.acknowledged', { message_id: hi.id });
  await expectText(marks(page), ['delivered']);
  await acknowledged(friend, 'message.read', { message_id: hi.id });
  await expectText(marks(page), ['read']);

  wire.cut();
  await page.getByText('reconnecting').waitFor();
  for (const text of ['one', 'two']) {
    await box.fill(text);
    await box.press('Enter');
  }
  await expectText(marks(page), ['read', 'waiting', 'waiting']);
  for (const text of ['x', 'y']) await sendMessage(friend, room, text);
  await acknowledged(friend, 'message.modify', { action: 'delete', message_id: first.id });
  wire.mend();

  const texts = ['Hi', 'x', 'y', 'one', 'two'];
  const [me, you] = [username, friend.user.username];
  await expectText(shown(page), [`${me}: Hi`, `${you}: x`, `${you}: y`, `${me}: one`, `${me}: two`]);
  await expectText(marks(page), ['read', 'sent', 'sent']);
  expect((await historyOf(friend, room)).map(({ content }) => content).reverse()).toEqual(texts);
}

test('without a framework: sends, acknowledges, and after a lost connection has and has sent everything once', async () => {
  await plays(await open(`${server}/clients/vanilla/`));
});

test('in Vue, the same', async () => {
  const vite = startProcess(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'example/clients/vue', '--port', '0', '--no-open'],
    { cwd: root, env: { CHAT_SERVER: server, NO_COLOR: '1', CI: '1' } },
  );
  running.push(vite);
  const [address] = await vite.waitFor(/http:\/\/127\.0\.0\.1:\d+\//);
  await plays(await open(address));
});

test('in Python, the same in a terminal, where Python has websockets', async () => {
  const python = (await askControl<{ path: string | null }>('python'))?.path;
  const script = join('example', 'clients', 'python', 'chat.py');
  if (!python) {
    const compiled = spawnSync('python3', ['-c', `compile(open("${script}").read(), "chat.py", "exec")`], {
      cwd: root,
    });
    // Where there is no Python at all there is nothing to see.
    expect(compiled.status ?? 0).toBe(0);
    return;
  }
  const terminal = startProcess(python, [script, username, PASSWORD], {
    cwd: root,
    env: { CHAT_SERVER: server },
    takesInput: true,
  });
  running.push(terminal);
  const type = (line: string) => terminal.child.stdin!.write(`${line}\n`);
  await terminal.waitFor(/\(online\)/);
  type('/rooms');
  type('/open 1');
  await terminal.waitFor(/you are in/);

  const first = await sendMessage(friend, room, 'a < b & <b>c</b>');
  await friend.expect('readreceipt.dispatch');
  await terminal.waitFor(/: a < b & c/);
  type('Hi');
  await friend.expect<WireMessage>('message.dispatch', ({ data }) => data.id !== first.id);
  await terminal.waitFor(/: Hi\n/);

  wire.cut();
  await terminal.waitFor(/the connection was lost/);
  type('one');
  type('two');
  for (const text of ['x', 'y']) await sendMessage(friend, room, text);
  wire.mend();
  await terminal.waitFor(/: two\n/);

  const [me, you] = [username, friend.user.username];
  const said = [`${you}: a < b & c`, `${me}: Hi`, `${you}: x`, `${you}: y`, `${me}: one`, `${me}: two`];
  const printed = terminal.output().match(/^\[.*$/gm);
  expect(printed).toEqual(said.map((line) => `[${room.name}] ${line}`));
  type('bye');
  terminal.child.stdin!.end();
  expect((await terminal.ended).code).toBe(0);
  expect((await historyOf(friend, room)).at(0)?.content).toBe('bye');
});
