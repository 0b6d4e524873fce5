/** A page without a browser: what React needs of a DOM, put up for one test file. */
import { Window } from 'happy-dom';
import type { ReactNode } from 'react';
import type { Root } from 'react-dom/client';
import { afterAll, afterEach, beforeAll } from 'vitest';

/** Renders into the page. */
export interface Page {
  render(node: ReactNode): Promise<HTMLElementLike>;
  unmount(): void;
}

/** What the tests look at. */
export interface HTMLElementLike {
  readonly textContent: string | null;
  readonly innerHTML: string;
}

/** Registers the hooks that put the page up and take it away. */
export function usePage(): Page {
  const names = ['window', 'document', 'navigator'] as const;
  const before = new Map(names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));
  let window: Window;
  let root: Root | undefined;
  beforeAll(() => {
    window = new Window({ url: 'http://127.0.0.1/' });
    for (const name of names) {
      Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
    }
  });
  const unmount = () => {
    root?.unmount();
    root = undefined;
  };
  afterEach(unmount);
  afterAll(async () => {
    await window.happyDOM.close();
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  });
  return {
    unmount,
    async render(node) {
      unmount();
      // Only now: react-dom looks for a document when it is loaded.
      const { createRoot } = await import('react-dom/client');
      const element = window.document.createElement('div');
      root = createRoot(element as unknown as Parameters<typeof createRoot>[0]);
      root.render(node);
      return element;
    },
  };
}
