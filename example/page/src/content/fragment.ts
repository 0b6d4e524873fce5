/**
 * Message content is an HTML fragment that the server has sanitised. Here it is read without being run: a document made
 * by DOMParser loads nothing and runs nothing.
 */

/** The fragment's nodes. */
export function parseFragment(html: string): HTMLElement {
  return new DOMParser().parseFromString(html, 'text/html').body;
}

/** What a person typed, as a fragment that shows exactly that. */
export function fragmentOf(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The fragment's text on one line, for previews. */
export function textOf(html: string): string {
  return (parseFragment(html.replace(/<(br|\/p|\/li)[ />]/gi, ' $&')).textContent ?? '').replace(/\s+/g, ' ').trim();
}

/** The fragment for an edit: its text when it is only text, else its source, so that an edit loses no formatting. */
export function draftOf(html: string): { text: string; isSource: boolean } {
  const body = parseFragment(html);
  if (body.firstElementChild) return { text: html, isSource: true };
  return { text: body.textContent ?? '', isSource: false };
}
