/** What a message's content becomes on the page: text and harmless elements, whatever a sender put into it. */
import { Window } from 'happy-dom';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Content } from '../../example/page/src/content/content.tsx';
import { draftOf, fragmentOf, textOf } from '../../example/page/src/content/fragment.ts';

const names = ['DOMParser', 'Node', 'Element'] as const;
const before = new Map(names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));
let window: Window;

beforeAll(() => {
  window = new Window({ url: 'http://127.0.0.1/' });
  for (const name of names) Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
});

afterAll(async () => {
  for (const [name, descriptor] of before) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else Reflect.deleteProperty(globalThis, name);
  }
  await window.happyDOM.close();
});

/** What stands inside the element of the content. */
const shown = (html: string) =>
  /^<div class="[^"]*" dir="auto">(.*)<\/div>$/s.exec(renderToStaticMarkup(createElement(Content, { html })))?.[1];

const link = (href: string, text = href) => `<a href="${href}" target="_blank" rel="noopener noreferrer">${text}</a>`;

describe('the content of a message', () => {
  test('shows what was typed, character by character', () => {
    for (const typed of ['a < b && c > d', '<b>bold?</b>', '&lt;', '<script>alert(1)</script>', 'שלום 👍🏽']) {
      const html = shown(fragmentOf(typed))!;
      expect(html).not.toMatch(/<(b|script)>/);
      expect(new window.DOMParser().parseFromString(html, 'text/html').body.textContent).toBe(typed);
    }
  });

  test('keeps the formatting that the server lets through, and takes over no attribute', () => {
    expect(shown('<p class="x" id="root"><b>bold</b> <em>slanted</em><br />next</p><ul><li>one</li></ul>')).toBe(
      '<p><b>bold</b> <em>slanted</em><br/>next</p><ul><li>one</li></ul>',
    );
  });

  test('holds nothing that runs or loads, even if a server let it through', () => {
    const html = shown(
      '<img src="x" onerror="alert(1)"><svg onload="alert(1)"></svg><iframe src="https://example.com"></iframe>' +
        '<b onclick="alert(1)" style="position:fixed">text</b><form action="x"><input></form>',
    )!;
    expect(html).toBe('<b>text</b>');
  });

  test('has links to web addresses only', () => {
    expect(shown('<a href="https://example.com/a?b=1" class="x">here</a>')).toBe(
      link('https://example.com/a?b=1', 'here'),
    );
    for (const href of [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      '/relative',
      'mailto:a@b.example',
    ]) {
      expect(shown(`<a href="${href}">here</a>`)).toBe('here');
    }
  });

  test('makes links of addresses in the text, without what ends the sentence', () => {
    expect(shown('See (https://example.com/a_b), or http://example.org.')).toBe(
      `See (${link('https://example.com/a_b')}), or ${link('http://example.org')}.`,
    );
    expect(shown('<a href="https://example.com">https://other.example</a>')).toBe(
      link('https://example.com', 'https://other.example'),
    );
  });
});

test('a preview is text on one line', () => {
  expect(textOf('<p>one</p><p>two &amp; <b>three</b></p>')).toBe('one two & three');
  expect(textOf('a\n\nb<br>c')).toBe('a b c');
});

test('an edit begins with what was typed, or with the source where there is formatting', () => {
  expect(draftOf('a &lt; b')).toEqual({ text: 'a < b', isSource: false });
  expect(draftOf('a <b>b</b>')).toEqual({ text: 'a <b>b</b>', isSource: true });
});
