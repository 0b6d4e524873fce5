/** The code on the pages of the client and of the hooks, run as it stands against a real server, on React 19 and 18. */
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { transformWithOxc } from 'vite';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { useStack } from '../helpers/chat.js';
import { askControl } from '../helpers/control.js';
import { createSandbox, type Sandbox } from '../helpers/sandbox.js';
import type { Person } from '../helpers/stack.js';
import { fileOf, root } from './pages.js';

const scene = useStack('embedded');
let sandbox: Sandbox | undefined;

beforeAll(async () => {
  await askControl('build');
});
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

/** What the programs are told. */
async function environment(): Promise<{ env: Record<string, string>; ann: Person; ben: Person }> {
  const [ann, ben] = await Promise.all([scene.stack.newUser(), scene.stack.newUser()]);
  const env = {
    CHAT_URL: `${scene.stack.gateways[0]!.replace('http', 'ws')}/messaging/`,
    ANN: JSON.stringify(ann),
    BEN: JSON.stringify(ben),
  };
  return { env, ann, ben };
}

test('docs/client.md', { timeout: 60_000 }, async () => {
  const { env, ann } = await environment();
  sandbox = await createSandbox('module');
  await symlink(join(root, 'node_modules', 'ws'), join(sandbox.folder, 'node_modules', 'ws'));
  const page = 'docs/client.md';
  await sandbox.write({
    'hello.js': fileOf(page, 'hello.js'),
    'node-client.js': fileOf(page, 'node-client.js'),
    'storage.js': fileOf(page, 'storage.js'),
    'messages.js': fileOf(page, 'messages.js'),
    'errors.js': fileOf(page, 'errors.js'),
    'main.js': `
import { rename } from './errors.js';
import { hello } from './hello.js';
import { showMessages } from './messages.js';
import { connect } from './node-client.js';
import { connectWithStorage } from './storage.js';
const url = process.env.CHAT_URL;
const [ann, ben] = [JSON.parse(process.env.ANN), JSON.parse(process.env.BEN)];
console.log(await hello(url, () => ann.token, ben.user.id));
const items = new Map();
globalThis.localStorage = {
  get length() { return items.size; },
  key: (index) => [...items.keys()][index] ?? null,
  getItem: (key) => items.get(key) ?? null,
  setItem: (key, value) => void items.set(key, value),
  removeItem: (key) => void items.delete(key),
};
const bens = connect(url, ben.token);
const { rooms: [room] } = await bens.rooms.list();
console.log(await rename(bens, room.id, 'Dinner'));
const anns = connectWithStorage(url, ann.user, () => ann.token);
console.log(await rename(anns, room.id, 'Dinner'));
console.log(await rename(anns, room.id, ''));
const shown = new Promise((resolve) => {
  const stop = showMessages(bens, room.id, (lines) => {
    if (lines.length < 2) return;
    stop();
    resolve(lines);
  });
});
await anns.room(room.id).send('Or one?');
console.log((await shown).join(' | '));
anns.close();
bens.close();
`,
  });
  const run = sandbox.node(['--experimental-websocket', 'main.js'], env);
  expect((await run.ended).code, run.output()).toBe(0);
  const name = ann.user.username;
  const printed = run
    .output()
    .split('\n')
    .filter((line) => !/ExperimentalWarning|node --trace/.test(line));
  expect(printed).toEqual([
    'online',
    'closed',
    `${name}: Half past twelve?`,
    'Only admins can do that.',
    'Renamed.',
    expect.stringContaining('That name will not do: '),
    `${name}: Half past twelve? | ${name}: Or one?`,
    '',
  ]);
});

describe('docs/react.md', { timeout: 60_000 }, () => {
  test.each([
    ['19', 'node_modules'],
    ['18', 'test/react/react-18/node_modules'],
  ])('with React %s', async (version, from) => {
    const { env, ann, ben } = await environment();
    sandbox = await createSandbox('module');
    const modules = join(sandbox.folder, 'node_modules');
    // Copies, not links: a link's own imports would be looked for where it leads, and find the other React.
    for (const name of ['react', 'react-dom', 'scheduler']) {
      await cp(join(root, from, name), join(modules, name), { recursive: true });
    }
    for (const part of ['dist', 'package.json']) {
      await cp(join(root, part), join(modules, 'own-chat', part), { recursive: true });
    }
    await symlink(join(root, 'node_modules', 'happy-dom'), join(modules, 'happy-dom'));
    const { code } = await transformWithOxc(fileOf('docs/react.md', 'chat.jsx'), 'chat.jsx');
    await sandbox.write({
      'chat.js': code.replaceAll('express-realtime-chat/', 'own-chat/'),
      'main.js': `
import { createChatClient } from 'own-chat/client';
import { Window } from 'happy-dom';
const window = new Window({ url: 'http://127.0.0.1/' });
for (const name of ['window', 'document', 'navigator']) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
}
const { createElement, StrictMode, version } = await import('react');
const { createRoot } = await import('react-dom/client');
const { App } = await import('./chat.js');
const url = process.env.CHAT_URL;
const [ann, ben] = [JSON.parse(process.env.ANN), JSON.parse(process.env.BEN)];
const anns = createChatClient({ url, token: () => ann.token });
const { room_id } = await anns.rooms.create({ type: 'GroupChat', name: 'Lunch', participants: [ben.user.id] });
await anns.room(room_id).send('<b>one</b>');
const element = window.document.body.appendChild(window.document.createElement('div'));
const root = createRoot(element);
root.render(createElement(StrictMode, null, createElement(App, { url, getToken: () => ben.token })));
const seen = async (text) => {
  for (let tries = 0; !element.innerHTML.includes(text); tries++) {
    if (tries > 800) throw new Error('Not shown: ' + text + ' in ' + element.innerHTML);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};
await seen('1 unread');
element.querySelector('nav button').click();
await seen('<b>one</b>');
await seen('0 unread');
const input = element.querySelector('input');
// As typing does it: React looks at the setter of the prototype.
Object.getOwnPropertyDescriptor(Object.getPrototypeOf(input), 'value').set.call(input, 'two');
input.dispatchEvent(new window.Event('input', { bubbles: true }));
await seen('value="two"');
element.querySelector('form').dispatchEvent(new window.Event('submit', { bubbles: true, cancelable: true }));
await seen('<span>two</span>');
console.log('React ' + version.split('.')[0] + ': ' + [...element.querySelectorAll('li')].map((li) => li.textContent).join(' | '));
root.unmount();
anns.close();
await window.happyDOM.close();
`,
    });
    const run = sandbox.node(['--experimental-websocket', 'main.js'], env);
    expect((await run.ended).code, run.output()).toBe(0);
    expect(run.output()).toContain(`React ${version}: ${ann.user.username}: one | ${ben.user.username}: two`);
  });
});
