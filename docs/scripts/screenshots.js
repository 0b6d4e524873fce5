/**
 * `npm run screenshots`: pictures of the page's main screens for the README, into docs/images. It starts the example app
 * with its demo data on a database of its own. It needs Chromium (CHROMIUM names another than /usr/bin/chromium) and a
 * font with emoji (Debian's fonts-noto-color-emoji).
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '..', '..');
const images = join(root, 'docs', 'images');
const DESKTOP = { width: 1200, height: 760 };
const PHONE = { width: 390, height: 780 };

/** Starts the app on a free port; resolves with its address when the demo rooms are there. */
async function startApp(folder) {
  const env = {
    ...process.env,
    PORT: '0',
    HOST: '127.0.0.1',
    JWT_SECRET: 'a secret of the pictures, long enough',
    DATABASE_URL: `sqlite:${join(folder, 'chat.sqlite')}`,
    REDIS_URL: '',
    CHAT_SEED: '1',
    CHAT_RATE_LIMIT: '0',
  };
  const app = spawn(process.execPath, ['example/server.js'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise((resolve, reject) => {
    app.stdout.on('data', (chunk) => {
      const found = /http:\/\/\S+/.exec(String(chunk));
      if (found) resolve(found[0]);
    });
    app.once('exit', (code) => reject(new Error(`The app ended with ${code}.`)));
  });
  for (;;) {
    const { status } = await fetch(`${address}/readyz`);
    if (status === 200) return { app, address };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A page where somebody is signed in, with a room open when one is named. */
async function openPage(browser, address, { name, room, ...options }) {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.goto(`${address}/`);
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill('password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  const rooms = page.getByRole('navigation', { name: 'Rooms' });
  await rooms.getByRole('link', { name: 'Weekend trip' }).waitFor();
  if (room) {
    await rooms.getByRole('link', { name: room }).click();
    await page.getByRole('log').getByRole('article').first().waitFor();
  }
  return page;
}

/** Saves what is seen, when nothing moves any more. */
async function picture(page, name) {
  await page.waitForLoadState('networkidle');
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(images, `${name}.png`), animations: 'disabled' });
  process.stdout.write(`docs/images/${name}.png\n`);
}

async function takePictures(browser, address) {
  // Others read, so that there are marks to see.
  for (const name of ['bob', 'carol', 'dave']) await openPage(browser, address, { name, room: 'Weekend trip' });

  const light = { name: 'alice', room: 'Weekend trip', viewport: DESKTOP, colorScheme: 'light' };
  const desktop = await openPage(browser, address, light);
  await desktop
    .getByRole('img', { name: /^Read by 3/ })
    .first()
    .waitFor();
  await picture(desktop, 'room-light');
  await desktop.getByRole('button', { name: 'New room' }).click();
  const dialog = desktop.getByRole('dialog', { name: 'New room' });
  await dialog.getByText('Group', { exact: true }).click();
  await dialog.getByLabel('Name').fill('Lake house');
  for (const person of ['bob', 'carol']) {
    await dialog.getByRole('combobox', { name: 'People' }).fill(person);
    await dialog.getByRole('option', { name: person }).click();
  }
  await dialog.getByRole('option', { name: 'dave' }).waitFor();
  await picture(desktop, 'new-room');
  await desktop.context().close();

  const dark = await openPage(browser, address, { ...light, colorScheme: 'dark' });
  await dark.getByRole('button', { name: 'Room details' }).click();
  await dark.getByRole('list', { name: 'Members' }).waitFor();
  await picture(dark, 'room-dark');
  await dark.context().close();

  const phone = { name: 'alice', viewport: PHONE, isMobile: true, hasTouch: true };
  const rooms = await openPage(browser, address, { ...phone, colorScheme: 'light' });
  await picture(rooms, 'phone-rooms');
  await rooms.context().close();
  const room = await openPage(browser, address, { ...phone, room: 'Weekend trip', colorScheme: 'dark' });
  await picture(room, 'phone-room-dark');
}

const folder = mkdtempSync(join(tmpdir(), 'chat-pictures-'));
mkdirSync(images, { recursive: true });
const { app, address } = await startApp(folder);
try {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    await takePictures(browser, address);
  } finally {
    await browser.close();
  }
} finally {
  app.removeAllListeners('exit');
  app.kill('SIGTERM');
  await new Promise((resolve) => app.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}
