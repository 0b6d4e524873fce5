/** A real browser as judge of HTML: what it makes of it, and whether anything in it acts. */
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { askControl } from '../helpers/control.js';

/** What was seen of some fragments of HTML. */
export interface Verdict {
  /** Elements, attributes and addresses that may not be, as sentences. */
  readonly faults: string[];
  /** What acted: dialogs, requests, navigations, scripts. */
  readonly acts: string[];
}

/** A browser with a page in which fragments are judged. */
export interface Judge {
  judge(fragments: readonly string[]): Promise<Verdict>;
  close(): Promise<void>;
}

const PAGE = 'https://page.example/';
/** Where the page and its frame go by themselves. */
const OWN = [PAGE, 'about:blank', 'about:srcdoc'];
const PROBE = 'https://probe.example/';

export async function openJudge(): Promise<Judge> {
  const found = await askControl<{ path: string }>('chromium');
  if (!found) throw new Error('A browser needs vitest with its global setup.');
  const browser: Browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox'] });
  return {
    async judge(fragments) {
      const acts: string[] = [];
      const page = await browser.newPage();
      page.on('dialog', (dialog) => {
        acts.push(`dialog ${dialog.type()} ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on('popup', () => acts.push('a window was opened'));
      page.on('download', () => acts.push('a download began'));
      page.on('framenavigated', (frame) => {
        if (!OWN.includes(frame.url())) acts.push(`went to ${frame.url()}`);
      });
      await page.route('**/*', (route) => {
        const url = route.request().url();
        if (url === PAGE)
          return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>page</title>' });
        if (url !== PROBE) acts.push(`asked for ${url}`);
        return route.abort();
      });
      await page.goto(PAGE);
      await page.addScriptTag({ path: join(import.meta.dirname, 'html-look.js') });
      const faults = await page.evaluate<string[]>(`look(${JSON.stringify({ fragments, probe: PROBE })})`);
      await page.close();
      return { faults, acts };
    },
    close: () => browser.close(),
  };
}
