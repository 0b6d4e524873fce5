/** Debian's Chromium for the tests of pages: one process per test file, and a fresh profile per user or device. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { askControl } from './control.js';

/** How long a page may take for anything: the machine may be busy. */
const PATIENCE = 30_000;
/** A test opens several pages and waits for many things. */
const TEST_TIMEOUT = 120_000;

/** Opens a page in a profile of its own, as on another device. */
export type OpenPage = (url: string, options?: BrowserContextOptions) => Promise<Page>;

/**
 * Starts the browser for a test file. Whatever a page says of scripts that threw or that its content security policy
 * stopped fails the test, and so does a script of an attacker: one that calls `alert`.
 */
export function useBrowser(): OpenPage {
  let browser: Browser;
  let problems: string[] = [];
  vi.setConfig({ testTimeout: TEST_TIMEOUT, hookTimeout: 180_000 });
  beforeAll(async () => {
    const found = await askControl<{ path: string }>('chromium');
    if (!found) throw new Error('A browser needs vitest with its global setup.');
    browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox'] });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    const found = problems;
    problems = [];
    expect(found).toEqual([]);
  });
  afterAll(() => browser?.close());
  return async (url, options) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
    page.on('dialog', (dialog) => {
      problems.push(`${page.url()} opened a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
    });
    await page.goto(url);
    return page;
  };
}

/** Resolves when the locator's text fits; fails with the text it has. */
export async function expectText(read: () => Promise<unknown>, wanted: unknown): Promise<void> {
  await expect.poll(read, { timeout: PATIENCE }).toEqual(wanted);
}
